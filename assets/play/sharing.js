/* The state as a link, as a file, and as a run in the Lab. */

const SHARING = {
  /** Write the settings into the address, not more often than browsers allow. */
  keepLink() {
    clearTimeout(this.linking);
    this.linking = setTimeout(() => {
      const query = writeState(this.state, window.location.search);
      window.sessionStorage.setItem(SESSION, writeState(this.state, ""));
      window.history.replaceState(window.history.state, "", window.location.pathname + (query ? `?${query}` : ""));
      if (window.location.href.length > LONGEST_LINK) this.say(tooLong(window.location.href.length));
    }, 150);
  },

  async copyLink() {
    const query = writeState(this.state, window.location.search);
    const link = window.location.origin + window.location.pathname + (query ? `?${query}` : "");
    if (link.length > LONGEST_LINK) return this.say(tooLong(link.length));
    try {
      await navigator.clipboard.writeText(link);
      this.say("The link is copied.");
    } catch {
      this.say("The browser does not allow copying: take the link from the address bar.");
    }
  },

  /** The points as an .npz that the Data page and the command line load. */
  save() {
    const file = new Blob([packArrays(this.arrays())], { type: "application/zip" }), link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `${this.state.data}-points.npz`;
    link.click();
    URL.revokeObjectURL(link.href);
  },

  arrays() {
    const { train, test } = this;
    return { x_train: Float32Array.from(train.xy), y_train: train.labels, x_test: Float32Array.from(test.xy), y_test: test.labels };
  },

  openLab() {
    if (!this.ready) return this.say("The Lab needs points of two classes: add some.");
    const { state, train, test } = this, list = ({ xy, labels }) => ({ xy: Array.from(xy), y: Array.from(labels) });
    const width = state.model === "network" && state.width !== Infinity ? state.width : 1024;
    this.say("Opening the Lab …");
    this.send("lab", { ...state, width, steps: this.method.total, train: list(train), test: list(test) });
  },

  /** One sentence to the reader. */
  say(text) {
    this.root.querySelector(".said").textContent = text;
  },
};
const tooLong = (length) => `The link has ${length} characters, more than ${LONGEST_LINK} that every program takes: save the points as a file instead.`;

/** An .npz in memory: a zip, not compressed, of .npy files; points as (n, 2), labels as (n,). */
function packArrays(arrays) {
  const parts = [], directory = [], text = new TextEncoder();
  let place = 0, size = 0;
  const header = (fields) => {
    const bytes = new DataView(new ArrayBuffer(fields.reduce((sum, [width]) => sum + width, 0)));
    fields.reduce((at, [width, value]) => (width === 2 ? bytes.setUint16(at, value, true) : bytes.setUint32(at, value, true), at + width), 0);
    return new Uint8Array(bytes.buffer);
  };
  for (const [name, values] of Object.entries(arrays)) {
    const file = text.encode(`${name}.npy`), data = npy(values), sum = crc32(data);
    const shared = [[2, 20], [2, 0], [2, 0], [2, 0], [2, 33], [4, sum], [4, data.length], [4, data.length], [2, file.length], [2, 0]];
    const entry = header([[4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, place]]);
    const local = header([[4, 0x04034b50], ...shared]);
    parts.push(local, file, data);
    directory.push(entry, file);
    place += local.length + file.length + data.length;
    size += entry.length + file.length;
  }
  const count = Object.keys(arrays).length;
  const all = [...parts, ...directory, header([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, place], [2, 0]])];
  const out = new Uint8Array(all.reduce((sum, bytes) => sum + bytes.length, 0));
  all.reduce((at, bytes) => (out.set(bytes, at), at + bytes.length), 0);
  return out;
}

function npy(values) {
  const points = values instanceof Float32Array, shape = points ? `(${values.length / 2}, 2)` : `(${values.length},)`;
  const said = `{'descr': '${points ? "<f4" : "|u1"}', 'fortran_order': False, 'shape': ${shape}, }`;
  const head = said.padEnd(117) + "\n", out = new Uint8Array(10 + head.length + values.byteLength);
  out.set([0x93, 78, 85, 77, 80, 89, 1, 0, head.length & 255, head.length >> 8]);
  out.set(new TextEncoder().encode(head), 10);
  out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + head.length);
  return out;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
