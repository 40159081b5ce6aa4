// localStorage and sessionStorage that never throw: a browser may forbid them or be full.

function wrap(name) {
  return {
    read(key) {
      try {
        return JSON.parse(window[name].getItem(key));
      } catch {
        return null;
      }
    },
    /** Whether the value was kept. */
    write(key, value) {
      try {
        window[name].setItem(key, JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
    remove(key) {
      try {
        window[name].removeItem(key);
      } catch {
        // Nothing was kept in the first place.
      }
    },
  };
}

export const local = wrap("localStorage");
export const session = wrap("sessionStorage");
