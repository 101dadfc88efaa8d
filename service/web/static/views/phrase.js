/** Writes a text of digits, of which each is a picture of a label-conditioned model. */

const SCALE = 3;
// Digits stand nearer to each other than their pictures' borders would have them.
const ADVANCE = 0.68;
const GAP = 0.4;

/**
 * Draw a text; signs other than digits are drawn as they are.
 * @param {CanvasRenderingContext2D} context its canvas becomes as large as the text
 * @param {import("../app.js").App} app
 * @param {number[]} z the style
 * @param {string} text
 */
export function drawPhrase(context, app, z, text) {
  const { height, width } = app.model.info.image;
  const [high, wide] = [height * SCALE, width * SCALE];
  const widths = Array.from(text, (sign) => (isLabel(app, sign) ? ADVANCE : GAP) * wide);
  context.canvas.width = Math.max(
    1,
    Math.ceil(widths.reduce((sum, each) => sum + each, 0) + wide * (1 - ADVANCE)),
  );
  context.canvas.height = high;
  context.fillStyle = "#000";
  context.fillRect(0, 0, context.canvas.width, high);
  // Where the borders of two pictures overlap, the lighter one shows.
  context.globalCompositeOperation = "lighten";
  let left = (wide * (1 - ADVANCE)) / 2;
  Array.from(text).forEach((sign, i) => {
    if (isLabel(app, sign)) drawDigit(context, app, z, Number(sign), left + widths[i] / 2 - wide / 2);
    else drawSign(context, sign, left + widths[i] / 2, high);
    left += widths[i];
  });
  context.globalCompositeOperation = "source-over";
}

/** Whether a sign is a digit that the model can draw. @param {import("../app.js").App} app @param {string} sign */
export function isLabel(app, sign) {
  return /\d/.test(sign) && app.model.info.classes.includes(Number(sign));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("../app.js").App} app
 * @param {number[]} z
 * @param {number} label
 * @param {number} left
 */
function drawDigit(context, app, z, label, left) {
  const preview = app.model.preview(z, label);
  if (!preview) return;
  const small = new OffscreenCanvas(preview.width, preview.height);
  /** @type {OffscreenCanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(preview, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, left, 0, preview.width * SCALE, preview.height * SCALE);
}

/** @param {CanvasRenderingContext2D} context @param {string} sign @param {number} middle @param {number} high */
function drawSign(context, sign, middle, high) {
  context.fillStyle = "#ddd";
  context.font = `${Math.round(high * 0.55)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(sign, middle, high * 0.52);
}
