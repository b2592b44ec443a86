package mail

// SetLongBody changes how long a body may be to be made in memory.
func SetLongBody(n int) (restore func()) {
	before := longBody
	longBody = n
	return func() { longBody = before }
}
