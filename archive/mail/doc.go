// Package mail writes slices as mails (RFC 5322), plain or wrapped as an
// Exchange envelope journal.
package mail
