// The page with a brush. What fills is `backend`, of another file: the server of farfill-app, or
// the network itself in the visitor's browser.
//
// backend.about()    {about, methods: [name, ...], limits: {bytes, pixels}, example: is there one?,
//                     missing: a sentence, if it cannot fill}
// backend.example()  a Blob
// backend.fill({blob, canvas, hole, method})
//                    {picture: Blob, box: [top, left, height, width] of the hole, seconds,
//                     sources: Int32Array of row and column for each pixel of the box, or null}
// Whatever they throw is shown: one sentence.
"use strict";

const $ = (id) => document.getElementById(id);
const LABELS = { before: "Before", farfill: "Farfill", telea: "Telea", patch_match: "PatchMatch" };
const GROWTH = 4; // pixels of a dilation
const NEARLY_BLACK = 25; // levels of a mask up to this are known, as for farfill-inpaint
const MARK = 16; // pixels of the picture beside an arrow's ends: what one step of the network sees

const state = {
  about: null,
  picture: null, // {blob, name, width, height}
  steps: [], // of the hole: functions that draw on its canvas, so that undoing is drawing anew
  results: null, // by method, "before" too: {blob, canvas, box, sources}; null while one paints
};

// ---- what is said

function say(words, wrong = false) {
  $("said").textContent = words;
  $("said").classList.toggle("wrong", wrong);
}

/** Run something slow: no control works meanwhile, and an error is one sentence on the page. */
async function busily(words, work) {
  if ($("controls").disabled) return;
  const begun = Date.now();
  const tell = () => say(`${words} ... ${Math.round((Date.now() - begun) / 1000)} s`);
  const clock = setInterval(tell, 1000);
  tell();
  $("controls").disabled = true;
  try {
    say((await work()) ?? "");
  } catch (error) {
    say(error.message, true);
  } finally {
    clearInterval(clock);
    $("controls").disabled = false;
    show();
  }
}

// ---- pictures

const ink = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

function blank(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

async function decoded(blob, what) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw Error(`This is not a ${what} that a browser can show: give a png, jpg, webp or gif.`);
  }
  const canvas = blank(bitmap.width, bitmap.height);
  ink(canvas).drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

async function open(blob, name) {
  const { bytes, pixels } = state.about.limits;
  if (blob.size > bytes) {
    throw Error(`The file has ${mega(blob.size)} MB, and ${mega(bytes)} MB are accepted.`);
  }
  const canvas = await decoded(blob, "picture");
  const { width, height } = canvas;
  if (width * height > pixels) {
    throw Error(
      `The picture has ${mega(width * height)} megapixels, and ${mega(pixels)} are accepted.`);
  }
  state.picture = { blob, name: name.replace(/\.\w+$/, ""), width, height, canvas };
  state.results = null;
  for (const id of ["base", "over", "hole"]) Object.assign($(id), { width, height });
  Object.assign($("stage").style, { aspectRatio: `${width} / ${height}`, width: `${width}px` });
  // As wide as the picture, and no higher than the window: max-height alone would bend it.
  $("stage").style.maxWidth = `min(100%, ${(75 * width) / height}vh)`;
  change([]);
  return `${width} x ${height} pixels. Paint over what is to go, then fill.`;
}

const mega = (number) => (number / 1e6).toFixed(1).replace(/\.0$/, "");

// ---- the hole

function change(steps) {
  state.steps = steps;
  const canvas = $("hole");
  ink(canvas).clearRect(0, 0, canvas.width, canvas.height);
  for (const step of steps) step(canvas);
  show();
}

function add(step) {
  state.steps.push(step);
  step($("hole"));
  show();
}

/** A line of the brush through points [x, y]; it erases, or paints. */
const stroke = (points, diameter, erase) => (canvas) => {
  const context = ink(canvas);
  context.save();
  context.globalCompositeOperation = erase ? "destination-out" : "source-over";
  Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: diameter });
  context.strokeStyle = context.fillStyle = "#c2185b";
  context.beginPath();
  context.arc(...points[0], diameter / 2, 0, 7); // a line of one point would paint nothing
  context.fill();
  context.beginPath();
  context.moveTo(...points[0]);
  for (const point of points) context.lineTo(...point);
  context.stroke();
  context.restore();
};

/** Let the hole grow by a disc. */
const dilation = (radius) => (canvas) => {
  const copy = blank(canvas.width, canvas.height);
  const image = ink(canvas).getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Uint32Array(image.data.buffer); // alpha is their highest byte
  missingOf(canvas).forEach((missing, i) => (colours[i] = missing ? 0xff5b18c2 : 0));
  ink(copy).putImageData(image, 0, 0); // faint rims would add up
  for (let y = -radius; y <= radius; y++) {
    for (let x = -radius; x <= radius; x++) {
      if (x * x + y * y <= radius * radius) ink(canvas).drawImage(copy, x, y);
    }
  }
};

const wiped = (canvas) => ink(canvas).clearRect(0, 0, canvas.width, canvas.height);

/** White of a mask's file becomes the hole. */
async function uploaded(blob) {
  const mask = await decoded(blob, "mask");
  const { width, height } = state.picture;
  if (mask.width !== width || mask.height !== height) {
    throw Error(`The mask has ${mask.width} x ${mask.height} pixels, but the picture has ` +
      `${width} x ${height}: give a mask of that size.`);
  }
  const image = ink(mask).getImageData(0, 0, width, height);
  const { data } = image;
  let between = 0;
  for (let i = 0; i < data.length; i += 4) {
    const grey = (0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]) * (data[i + 3] / 255);
    between += grey > NEARLY_BLACK && grey < 255 - NEARLY_BLACK;
    data.set([194, 24, 91, grey > NEARLY_BLACK ? 255 : 0], i);
  }
  if (between > data.length / 8) {
    throw Error("This does not look like a mask: more than half of it is neither black nor white.");
  }
  ink(mask).putImageData(image, 0, 0);
  add((canvas) => ink(canvas).drawImage(mask, 0, 0));
}

/** One byte for each pixel of what is painted: 1 = missing. */
function missingOf(canvas) {
  const { data } = ink(canvas).getImageData(0, 0, canvas.width, canvas.height);
  const missing = new Uint8Array(data.length / 4);
  for (let i = 0; i < missing.length; i++) missing[i] = data[4 * i + 3] > NEARLY_BLACK;
  return missing;
}

function hole() {
  const missing = missingOf($("hole"));
  if (!missing.includes(1)) throw Error("Nothing is painted yet: paint over what is to go.");
  if (!missing.includes(0)) throw Error("All is painted, so that there is nothing to borrow from.");
  return missing;
}

// ---- filling and comparing

/** Fill with a method, unless that has been done. */
async function result(method) {
  if (!state.results.has(method)) {
    const { blob, canvas } = state.picture;
    const filled = await backend.fill({ blob, canvas, hole: state.missing, method });
    filled.canvas = await decoded(filled.picture, "picture");
    state.results.set(method, filled);
  }
  return state.results.get(method);
}

function fill() {
  const method = state.about.methods[0];
  return busily("Filling", async () => {
    state.missing = hole();
    state.results = new Map([["before", { canvas: state.picture.canvas }]]);
    try {
      const { seconds } = await result(method);
      for (const id of ["left", "right"]) {
        const names = id === "left" ? ["before", ...state.about.methods] : state.about.methods;
        $(id).replaceChildren(...names.map((name) => new Option(LABELS[name] ?? name, name)));
      }
      $("left").value = "before";
      $("right").value = method;
      $("divider").value = 500;
      state.shown = { left: "before", right: method };
      return `Filled in ${seconds.toFixed(1)} s.` + (state.results.get(method).sources ?
        " Point into the hole to see where it borrowed from." : "");
    } catch (error) {
      state.results = null;
      throw error;
    }
  });
}

function pick(side) {
  const name = $(side).value;
  return busily(LABELS[name] ?? "Filling", async () => {
    try {
      const { seconds } = await result(name);
      state.shown[side] = name;
      return seconds && `${LABELS[name] ?? name} took ${seconds.toFixed(1)} s.`;
    } finally {
      $(side).value = state.shown[side];
    }
  });
}

/** Let the page look as the state is. */
function show() {
  const { picture, results, shown } = state;
  $("painting").hidden = !picture || results !== null;
  $("comparing").hidden = !(picture && results && shown);
  $("stage").hidden = !picture;
  $("hole").hidden = results !== null;
  $("over").hidden = results === null;
  $("undo").disabled = !state.steps.length;
  $("example").hidden = !state.about?.example;
  wipeMarks();
  if (!picture) return;
  const at = (name) => results?.get(name)?.canvas ?? picture.canvas;
  const right = results && shown ? results.get(shown.right) : null;
  ink($("base")).drawImage(right?.canvas ?? picture.canvas, 0, 0);
  if (!right) return;
  ink($("over")).drawImage(at(shown.left), 0, 0);
  divide();
  URL.revokeObjectURL($("save").href);
  $("save").href = URL.createObjectURL(right.picture);
  $("save").download = `${picture.name}_filled.png`;
}

function divide() {
  $("over").style.clipPath = `inset(0 ${100 - $("divider").value / 10}% 0 0)`;
}

// ---- the pointer

function place(event) {
  const { left, top, width, height } = $("stage").getBoundingClientRect();
  return [
    ((event.clientX - left) / width) * state.picture.width,
    ((event.clientY - top) / height) * state.picture.height,
  ];
}

/** Where a pixel [column, row] of the right picture borrowed from, likewise, or null. */
function sourceOf(column, row) {
  const { box, sources } = state.results?.get(state.shown?.right) ?? {};
  if (!sources) return null;
  const [top, left, height, width] = box;
  const [y, x] = [row - top, column - left];
  if (y < 0 || x < 0 || y >= height || x >= width) return null;
  const at = 2 * (y * width + x);
  return sources[at] < 0 ? null : [sources[at + 1], sources[at]];
}

/** The layer for marks, cleared, in pixels of the screen so that lines are sharp. */
function wipeMarks() {
  const { clientWidth, clientHeight } = $("stage");
  const scale = window.devicePixelRatio;
  const [width, height] = [Math.round(clientWidth * scale), Math.round(clientHeight * scale)];
  Object.assign($("marks"), { width, height });
  return ink($("marks"));
}

/** Lines on the marks, white on black, so that they are seen on any picture. */
function outlined(draw) {
  const context = wipeMarks();
  for (const [colour, width] of [["black", 5], ["white", 2.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    draw(context, $("marks").width / state.picture.width);
    context.stroke();
  }
}

function point(event) {
  const here = place(event).map(Math.floor);
  const source = sourceOf(...here);
  if (!source) return wipeMarks();
  outlined((context, scale) => {
    const [from, to] = [source, here].map(([x, y]) => [(x + 0.5) * scale, (y + 0.5) * scale]);
    for (const [x, y] of [from, to]) {
      context.rect(x - (MARK * scale) / 2, y - (MARK * scale) / 2, MARK * scale, MARK * scale);
    }
    context.moveTo(...from);
    context.lineTo(...to);
    const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
    for (const turn of [-0.4, 0.4]) {
      context.moveTo(...to);
      context.lineTo(to[0] - 18 * Math.cos(angle + turn), to[1] - 18 * Math.sin(angle + turn));
    }
  });
  const far = Math.hypot(source[0] - here[0], source[1] - here[1]);
  say(`Column ${here[0]}, row ${here[1]} borrowed most from column ${source[0]}, row ${source[1]}: ` +
    `${Math.round(far)} pixels away.`);
}

/** Diameter of the brush in pixels of the picture: the slider is in 1/250 of its longer side. */
function diameter() {
  return Math.max(1, ($("brush").value * Math.max(state.picture.width, state.picture.height)) / 250);
}

let line = null; // points of the stroke that is being painted

$("stage").onpointerdown = (event) => {
  if (event.button !== 0 || $("controls").disabled) return;
  $("stage").setPointerCapture(event.pointerId);
  if (state.results) return point(event);
  line = [place(event)];
  add(stroke(line, diameter(), $("erase").checked)); // the step sees the points that follow
};
$("stage").onpointermove = (event) => {
  if ($("controls").disabled) return;
  if (state.results) return point(event);
  if (line) {
    line.push(place(event));
    stroke(line.slice(-2), diameter(), $("erase").checked)($("hole"));
  }
  const [x, y] = place(event);
  outlined((context, scale) => context.arc(x * scale, y * scale, (diameter() * scale) / 2, 0, 7));
};
$("stage").onpointerup = $("stage").onpointercancel = () => {
  line = null;
};
$("stage").onpointerleave = wipeMarks;

// ---- the controls

function onFile(input, words, work) {
  input.onchange = () => {
    const [file] = input.files;
    if (file) busily(words, () => work(file, file.name));
    input.value = ""; // so that the same file can be taken again
  };
}

onFile($("open"), "Opening", open);
onFile($("upload"), "Reading the mask", uploaded);
$("example").onclick = () =>
  busily("Opening", async () => open(await backend.example(), "example.png"));
$("dilate").onclick = () => add(dilation(GROWTH));
$("undo").onclick = () => change(state.steps.slice(0, -1));
$("clear").onclick = () => add(wiped);
$("fill").onclick = fill;
$("left").onchange = () => pick("left");
$("right").onchange = () => pick("right");
$("divider").oninput = divide;
$("back").onclick = () => {
  state.results = null;
  say("");
  show();
};
$("again").onclick = () =>
  busily("Opening", () => open(state.results.get(state.shown.right).picture, state.picture.name));
window.onresize = show;
window.onkeydown = (event) => {
  if (event.key === "z" && (event.ctrlKey || event.metaKey) && !$("painting").hidden) {
    change(state.steps.slice(0, -1));
  }
};
window.ondragover = (event) => event.preventDefault();
window.ondrop = (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file && state.about) busily("Opening", () => open(file, file.name));
};

busily("Starting", async () => {
  state.about = await backend.about();
  $("about").textContent = state.about.about;
  return state.about.missing ?? "Open a picture, or take the example.";
});
