// Shows what a changed setting gives without a press of the button, and keeps a run that goes on up to date. Every page works without it.
const form = document.getElementById("scene");
const status = document.getElementById("status");
let asked = 0;

function address() {
  const values = new URLSearchParams(new FormData(form));
  return form.getAttribute("action") + "?" + values;
}

async function take(where, { keep }) {
  const mine = ++asked;
  const answer = await fetch(where, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== asked) return;
  const fresh = page.getElementById("result");
  const shown = document.getElementById("result");
  if (!fresh) return;
  if (!keep || fresh.dataset.version !== shown.dataset.version) {
    shown.replaceWith(document.adoptNode(fresh));
    for (const id of ["game", "changed"]) {
      const old = document.getElementById(id), now = page.getElementById(id);
      if (old && now) old.replaceWith(document.adoptNode(now));
    }
    status.textContent = keep ? "Updated." : "";
  }
  watch();
}

let waiting;
function watch() {
  clearTimeout(waiting);
  const live = Number(document.getElementById("result").dataset.live);
  if (!live) return;
  waiting = setTimeout(async () => {
    const began = performance.now();
    try {
      await take(location.href, { keep: true });
    } catch {
      status.textContent = "The lab does not answer; it is asked again in a while.";
      clearTimeout(waiting);
      waiting = setTimeout(watch, 5000);
    }
    // a page that takes long to make is asked for less often
    const took = performance.now() - began;
    if (took > live) { clearTimeout(waiting); waiting = setTimeout(watch, 3 * took); }
  }, live);
}

let pause;
function changed(event) {
  const value = event.target.closest("label")?.querySelector("output");
  if (value) value.textContent = event.target.value;
  clearTimeout(pause);
  pause = setTimeout(() => {
    const where = address();
    history.replaceState(null, "", where);
    take(where, { keep: false }).catch(() => { status.textContent = "The lab does not answer."; });
  }, 200);
}

form.addEventListener("input", changed);
for (const control of document.querySelectorAll(".controls [form=scene]")) control.addEventListener("input", changed);
watch();
