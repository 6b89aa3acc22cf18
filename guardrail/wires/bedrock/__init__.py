"""Amazon Bedrock's runtime API: converse, invoke, and what goes with them."""
