// Package accounts is what the program does about who may open the page: accounts, passwords, sessions, links that let in once,
// passkeys, identities, shares and tokens. Faces call it; none of its methods prints, reads flags or knows HTTP.
//
// Secrets are random and leave this package once, as text for a cookie, a link or a device. The store has their SHA-256 only. A
// password is kept as an argon2id hash, and one is computed at a time: each takes 19 MiB.
package accounts
