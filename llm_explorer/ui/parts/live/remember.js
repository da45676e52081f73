// Remembers in a cookie that something has been seen, for as long as a browser keeps one (Chrome: 400 days, 2022).
// data: {name: of the cookie}

export default function ({ data }) {
  document.cookie = `${data.name}=1; path=/; max-age=34560000; SameSite=Lax`;
}
