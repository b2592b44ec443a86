// Package filedump writes slices as FileDump XML, also known as Actiance XML.
package filedump
