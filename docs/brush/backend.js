// The page's backend where there is no server: the exported network, run by onnxruntime-web in the
// visitor's browser. `built` is what docs/brush/build.py found, and stands above.
"use strict";

const backend = (() => {
  const LEAST = 256; // side of what is cut out around the hole, in pixels, and ...
  const MOST = 512; // ... of what the network sees; a larger part is reduced to it
  let session = null; // of the network, once it is loaded

  async function load() {
    if (location.protocol === "file:") {
      throw Error("A browser lets no page from the disk compute: " +
        "serve its folder, for example with python -m http.server.");
    }
    await new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: built.runtime });
      script.onload = resolve;
      script.onerror = () => reject(Error("The runtime could not be loaded: load the page again."));
      document.head.append(script);
    });
    ort.env.wasm.wasmPaths = new URL(".", location.href).href;
    ort.env.wasm.proxy = true; // beside the page, which would stand still
    return ort.InferenceSession.create(built.model, { executionProviders: ["wasm"] });
  }

  /** Part of a side that is `length` long, around what is missing there: [start, stop]. */
  function span(first, last, length) {
    const side = Math.min(length, 8 * Math.ceil(Math.max(LEAST, 2 * (last + 1 - first)) / 8));
    const start = Math.round((first + last + 1 - side) / 2);
    const clipped = Math.min(Math.max(start, 0), length - side);
    return [clipped, clipped + side];
  }

  /** Box around the hole: [top, bottom, left, right], the last of each included. */
  function around(hole, width, height) {
    const box = [height, -1, width, -1];
    hole.forEach((missing, i) => {
      if (!missing) return;
      const [y, x] = [Math.floor(i / width), i % width];
      box[0] = Math.min(box[0], y);
      box[1] = Math.max(box[1], y);
      box[2] = Math.min(box[2], x);
      box[3] = Math.max(box[3], x);
    });
    return box;
  }

  /** What the network sees of a crop: known pixels' means in [-1, 1], 0 where most is missing. */
  function inputs(pixels, missing, size, seen) {
    const cells = seen.width * seen.height;
    const [sums, known, all] = [3, 1, 1].map((planes) => new Float64Array(planes * cells));
    for (let y = 0, i = 0; y < size.height; y++) {
      const row = Math.floor((y * seen.height) / size.height) * seen.width;
      for (let x = 0; x < size.width; x++, i++) {
        const cell = row + Math.floor((x * seen.width) / size.width);
        all[cell]++;
        if (missing[i]) continue;
        known[cell]++;
        for (let c = 0; c < 3; c++) sums[c * cells + cell] += pixels[4 * i + c];
      }
    }
    // Mirrored at the right and lower edge up to multiples of 8, as farfill-inpaint does.
    const [width, height] = [seen.width, seen.height].map((side) => 8 * Math.ceil(side / 8));
    const mirrored = (i, side) => {
      const turn = i % Math.max(1, 2 * side - 2); // a side under 8 is mirrored again and again
      return turn < side ? turn : 2 * side - 2 - turn;
    };
    const image = new Float32Array(3 * width * height);
    const mask = new Float32Array(width * height);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const cell = mirrored(y, seen.height) * seen.width + mirrored(x, seen.width);
        mask[i] = known[cell] < all[cell] / 2 ? 1 : 0;
        for (let c = 0; c < 3 && !mask[i]; c++) {
          image[c * mask.length + i] = sums[c * cells + cell] / known[cell] / 127.5 - 1;
        }
      }
    }
    return {
      image: new ort.Tensor("float32", image, [1, 3, height, width]),
      mask: new ort.Tensor("float32", mask, [1, 1, height, width]),
    };
  }

  /** The network's picture, N 3 H W in [-1, 1], at the size of the crop, in levels. */
  function outputs(tensor, size, seen) {
    const [, , height, width] = tensor.dims;
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      const levels = [0, 1, 2].map((c) => (tensor.data[c * width * height + i] + 1) * 127.5);
      image.data.set([...levels.map(Math.round), 255], 4 * i);
    }
    const small = canvasOf(width, height);
    small.getContext("2d").putImageData(image, 0, 0);
    const context = canvasOf(size.width, size.height).getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, seen.width, seen.height, 0, 0, size.width, size.height);
    return context.getImageData(0, 0, size.width, size.height).data;
  }

  const canvasOf = (width, height) =>
    Object.assign(document.createElement("canvas"), { width, height });

  async function fill({ canvas, hole }) {
    if (built.missing) throw Error(built.missing);
    session ??= load();
    session.catch(() => (session = null)); // so that another try loads again
    const network = await session;
    const begun = performance.now();
    const [first, last, leftmost, rightmost] = around(hole, canvas.width, canvas.height);
    const [top, bottom] = span(first, last, canvas.height);
    const [left, right] = span(leftmost, rightmost, canvas.width);
    const size = { width: right - left, height: bottom - top };
    const scale = Math.min(1, MOST / Math.max(size.width, size.height));
    const seen = {
      width: Math.max(1, Math.round(size.width * scale)),
      height: Math.max(1, Math.round(size.height * scale)),
    };
    const result = canvasOf(canvas.width, canvas.height);
    const context = result.getContext("2d");
    context.drawImage(canvas, 0, 0);
    const part = context.getImageData(left, top, size.width, size.height);
    const missing = new Uint8Array(size.width * size.height);
    for (let y = 0; y < size.height; y++) {
      const start = (top + y) * canvas.width + left;
      missing.set(hole.subarray(start, start + size.width), y * size.width);
    }
    const found = await network.run(inputs(part.data, missing, size, seen));
    const levels = outputs(found[network.outputNames[0]], size, seen);
    missing.forEach((one, i) => {
      if (one) part.data.set(levels.subarray(4 * i, 4 * i + 4), 4 * i);
    });
    context.putImageData(part, left, top);
    const picture = await new Promise((resolve) => result.toBlob(resolve, "image/png"));
    return { picture, seconds: (performance.now() - begun) / 1000, sources: null };
  }

  return {
    async about() {
      const limits = { bytes: 50e6, pixels: 25e6 };
      const about = "All of this happens in your browser: no picture is sent anywhere.";
      const { missing } = built;
      const example = location.protocol !== "file:"; // from where nothing can be fetched
      return { about, methods: ["farfill"], limits, example, missing };
    },
    example: async () => (await fetch(built.example)).blob(),
    fill,
  };
})();
