/** What a diagonal Gaussian of latent space looks like on the map. */
import { principal } from "./axes.js";

/**
 * Return one standard deviation each way of q(z|x), in the map's plane.
 * @param {import("./axes.js").Axes} axes
 * @param {number[]} mean z_mean
 * @param {number[]} logVar z_log_var
 * @returns {{middle: [number, number], axes: [number, number][]}}
 */
export function projectGaussian(axes, mean, logVar) {
  const [first, second] = axes.directions;
  const covariance = [new Float64Array(2), new Float64Array(2)];
  logVar.forEach((value, i) => {
    const variance = Math.exp(value);
    covariance[0][0] += variance * first[i] ** 2;
    covariance[0][1] += variance * first[i] * second[i];
    covariance[1][1] += variance * second[i] ** 2;
  });
  covariance[1][0] = covariance[0][1];
  const directions = principal(covariance).map((direction) => {
    const [x, y] = direction;
    const variance = x * x * covariance[0][0] + 2 * x * y * covariance[0][1] + y * y * covariance[1][1];
    const sigma = Math.sqrt(Math.max(0, variance));
    return /** @type {[number, number]} */ ([sigma * x, sigma * y]);
  });
  return { middle: axes.project(mean), axes: directions };
}
