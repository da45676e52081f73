// Tells the server what a native slider shows while it is dragged; Streamlit itself tells it only when it is let go.
// data: {options: {field: [values]}, heard: the message the server answers to}
// A select slider's range input holds the index of an option. One message is in flight at a time: under load the rate
// falls, and no queue grows.

const state = { options: {}, send: null, number: 0, waiting: false, field: null, input: null, first: null, last: null };
const ENDS = ["pointerup", "pointercancel", "blur"];

export default function (component) {
  state.options = component.data.options;
  state.send = (message) => component.setStateValue("drag", message);
  state.waiting = false;  // the server has answered
  window.addEventListener("pointerdown", begin, true);  // the same listener again: the browser keeps one of each
  ENDS.forEach((name) => window.addEventListener(name, end, true));
  return () => {
    window.removeEventListener("pointerdown", begin, true);
    ENDS.forEach((name) => window.removeEventListener(name, end, true));
  };
}

function begin(event) {
  state.field = Object.keys(state.options).find((field) => event.target.closest?.(`.st-key-${field}__slider`)) ?? null;
  if (state.field === null) return;
  state.input = document.querySelector(`.st-key-${state.field}__slider input[type=range]`);
  state.first = state.last = state.input.value;
  requestAnimationFrame(look);
}

function look() {
  if (state.field === null) return;
  if (state.input.value !== state.last && !state.waiting) {
    state.last = state.input.value;
    state.waiting = true;
    state.number += 1;
    state.send({ field: state.field, value: state.options[state.field][Number(state.last)], number: state.number });
  }
  requestAnimationFrame(look);
}

// The native slider tells its value now, and with that the server forgets the dragged one. Let go where it began, it has
// nothing to tell: then we say that the drag is over.
function end(event) {
  if (state.field === null || (event.type === "blur" && event.target !== window)) return;
  state.field = null;
  if (state.input.value === state.first && state.last !== null) setTimeout(() => state.send(null), 30);
}
