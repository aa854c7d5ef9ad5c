/* The decision surface as a picture and its boundary as lines. */

/** Outputs over a grid of side + 1 nodes, as the lead of each class over the best other: > 0 where it wins. */
function leads(model, side) {
  const nodes = side + 1, C = model.classes, field = Array.from({ length: C }, () => new Float32Array(nodes * nodes));
  for (let j = 0, at = 0; j < nodes; j++)
    for (let i = 0; i < nodes; i++, at++) {
      const out = model.value(i / side, j / side);
      let best = 0, second = -1;
      for (let c = 1; c < C; c++) {
        if (out[c] > out[best]) [second, best] = [best, c];
        else if (second < 0 || out[c] > out[second]) second = c;
      }
      for (let c = 0; c < C; c++) field[c][at] = out[c] - out[c === best ? second : best];
    }
  return { field, side };
}

/** Colour each node by the class that wins, stronger where it leads by more; `full` is the lead of full colour. */
function paintSurface(canvas, { field, side }, colours, full, strength) {
  const nodes = side + 1, context = canvas.getContext("2d");
  canvas.width = canvas.height = nodes;
  const image = context.createImageData(nodes, nodes);
  for (let at = 0; at < nodes * nodes; at++) {
    let best = 0;
    for (let c = 1; c < field.length; c++) if (field[c][at] > field[best][at]) best = c;
    const row = side - Math.floor(at / nodes), place = 4 * (row * nodes + (at % nodes)); // y points up
    const [r, g, b] = colours[best];
    image.data[place] = r;
    image.data[place + 1] = g;
    image.data[place + 2] = b;
    image.data[place + 3] = 255 * strength * (0.35 + 0.65 * Math.min(1, Math.max(0, field[best][at]) / full));
  }
  context.putImageData(image, 0, 0);
}

/** Segments of the line where a field is 0, as x1, y1, x2, y2 in the unit square. */
function zeroLines(values, side) {
  const nodes = side + 1, lines = [];
  const cut = (a, b) => a / (a - b);
  for (let j = 0; j < side; j++)
    for (let i = 0; i < side; i++) {
      const at = j * nodes + i, a = values[at], b = values[at + 1], c = values[at + nodes + 1], d = values[at + nodes];
      const ends = [];
      if (a > 0 !== b > 0) ends.push(i + cut(a, b), j);
      if (b > 0 !== c > 0) ends.push(i + 1, j + cut(b, c));
      if (d > 0 !== c > 0) ends.push(i + cut(d, c), j + 1);
      if (a > 0 !== d > 0) ends.push(i, j + cut(a, d));
      for (let e = 0; e + 3 < ends.length; e += 4) lines.push(ends[e] / side, ends[e + 1] / side, ends[e + 2] / side, ends[e + 3] / side);
    }
  return lines;
}
