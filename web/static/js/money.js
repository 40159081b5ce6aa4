// Amounts of money as the server writes them (shop/money.py).

export function yuan(cents) {
  return `¥${cents % 100 ? (cents / 100).toFixed(2) : cents / 100}`;
}
