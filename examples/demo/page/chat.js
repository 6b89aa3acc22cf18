"use strict";

const log = document.getElementById("log");
const form = document.getElementById("form");
const say = document.getElementById("say");
const send = document.getElementById("send");
const state = document.getElementById("status");
const history = [];

function turn(role, name, text) {
  const box = document.createElement("div");
  const who = document.createElement("b");
  const body = document.createElement("span");
  box.className = `turn ${role}`;
  who.textContent = name;
  body.textContent = text;
  box.append(who, body);
  log.append(box);
  log.scrollTop = log.scrollHeight;
  return {
    add(more) { body.textContent += more; log.scrollTop = log.scrollHeight; },
    hold(why) { box.classList.add("held"); who.textContent = why; },
    get text() { return body.textContent; },
  };
}

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

async function ask(text) {
  turn("user", "You", text);
  const reply = turn("assistant", "Model", "");
  const response = await fetch("/chat", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages: [...history, { role: "user", content: text }] }),
  });
  let kept = false;
  for await (const line of lines(response)) {
    if (line.text) reply.add(line.text);
    if (line.error) { reply.add(line.error); reply.hold(line.status === 429 ? "Too many messages" : "No answer"); }
    if (line.end === "content_filter") reply.hold("Guarded answer");
    else if (line.end) kept = true;
  }
  // what was refused is not said again with every later message
  if (kept) history.push({ role: "user", content: text }, { role: "assistant", content: reply.text });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = say.value.trim();
  if (!text || send.disabled) return;
  say.value = "";
  send.disabled = true;
  state.textContent = "The model is answering.";
  try {
    await ask(text);
    state.textContent = "";
  } catch {
    state.textContent = "The app could not be reached. Is the demo still running?";
  } finally {
    send.disabled = false;
    say.focus();
  }
});

say.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
