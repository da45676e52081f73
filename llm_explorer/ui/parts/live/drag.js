// Tells the server what a native slider shows while it is dragged; Streamlit itself tells it only when it is let go.
// data: {options: {field: [values]}, heard: the message the server answers to, slider: where its native input is}
// A select slider's range input holds the index of an option. One message is in flight at a time: under load the rate
// falls, and no queue grows.

const sliders = {};  // field -> {values, send, slider}: of the sidebar, and of a page that has sliders of its own
const state = { number: 0, waiting: false, field: null, input: null, first: null, last: null };
const ENDS = ["pointerup", "pointercancel", "blur"];

export default function (component) {
  const send = (message) => component.setStateValue("drag", message);
  const { options, slider } = component.data;
  for (const [field, values] of Object.entries(options)) sliders[field] = { values, send, slider };
  window.addEventListener("pointerdown", begin, true);  // the same listener again: the browser keeps one of each
  ENDS.forEach((name) => window.addEventListener(name, end, true));
  state.waiting = false;  // the server has answered
  tell();  // now, not at the next frame: the server works while the browser draws what it has answered
  return () => Object.keys(options).forEach((field) => delete sliders[field]);
}

function begin(event) {
  state.field = Object.keys(sliders).find((field) => event.target.closest?.(`.st-key-${field}__slider`)) ?? null;
  if (state.field === null) return;
  state.input = document.querySelector(`.st-key-${state.field}__slider ${sliders[state.field].slider}`);
  state.first = state.last = state.input.value;
  requestAnimationFrame(look);
}

function look() {
  if (state.field === null) return;
  tell();
  requestAnimationFrame(look);
}

function tell() {
  if (state.field === null || state.waiting || state.input.value === state.last) return;
  state.last = state.input.value;
  state.waiting = true;
  state.number += 1;
  const { values, send } = sliders[state.field];
  send({ field: state.field, value: values[Number(state.last)], number: state.number });
}

// The native slider tells its value now, and with that the server forgets the dragged one. Let go where it began, it has
// nothing to tell: then we say that the drag is over.
function end(event) {
  if (state.field === null || (event.type === "blur" && event.target !== window)) return;
  const { send } = sliders[state.field];
  state.field = null;
  if (state.input.value === state.first) setTimeout(() => send(null), 30);
}
