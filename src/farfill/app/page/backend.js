// The page's backend: the server that sent it.
"use strict";

async function asked(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw Error("The server does not answer: start farfill-app again.");
  }
  if (response.ok) return response;
  const text = await response.text();
  let words = `The server has made a mistake (${response.status}): its terminal says which.`;
  try {
    words = JSON.parse(text).error;
  } catch {
    // Not a sentence of ours.
  }
  throw Error(words[0].toUpperCase() + words.slice(1) + ".");
}

/** A mask's PNG, white where a byte of the hole is 1. */
function maskOf(hole, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer); // alpha is their highest byte
  hole.forEach((missing, i) => (pixels[i] = missing ? 0xffffffff : 0xff000000));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const backend = {
  about: async () => (await asked("about")).json(),
  example: async () => (await asked("example")).blob(),
  async fill({ blob, canvas, hole, method }) {
    const body = new FormData();
    body.set("picture", blob);
    body.set("mask", await maskOf(hole, canvas.width, canvas.height));
    body.set("method", method);
    const form = await (await asked("fill", { method: "POST", body })).formData();
    const sources = form.get("sources");
    return {
      ...JSON.parse(await form.get("said").text()),
      picture: form.get("picture"),
      sources: sources && new Int32Array(await sources.arrayBuffer()),
    };
  },
};
