// Package store keeps what the orchestrator finds in a relational database: users, recordings, scores,
// laughs and the log of runs.
//
// The SQL here is shared. What differs between databases is a Dialect and a set of migrations, in the
// folders below: sqlite, the default, and postgres. Both are held to the same behaviour by
// orchestrator/store/storetest.
//
// Statements use the numbered parameters ?1, ?2 … of SQLite. A write is one transaction, which is
// repeated from its start when the connection fails; every one is written so that a repetition does
// no harm, also where the first attempt was stored and only its answer lost. A list is read page by
// page, so that nothing is held open between two rows.
package store
