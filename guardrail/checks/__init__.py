"""What looks at text. A check never sees a wire format and never decides what is done."""
