package archive

// SettingError says which field of a format's settings is wrong, by its name in
// JSON: "per", "headers.X-Name", "journal.from".
type SettingError struct {
	Format string // its key in the configuration
	Field  string
	Err    error
}

func (e *SettingError) Error() string { return e.Format + "." + e.Field + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *SettingError) Unwrap() error { return e.Err }
