package archive

// Packing says how documents become the files of a bundle. It is frozen as JSON
// in the bundle's head, so a field is never renamed.
type Packing struct {
	Zip      bool   `json:"zip"`       // in zip files; else each document, or the joined file, lies loose
	MaxCount int    `json:"max_count"` // documents in one zip; 0: no limit
	MaxBytes int64  `json:"max_bytes"` // of one zip, before encryption; 0: no limit. One document alone may make more
	Manifest string `json:"manifest"`  // ManifestNone or ManifestSmarsh: what the intake reads beside each zip
	Name     string `json:"name"`      // of a zip, a template without ".zip"; "": "{bundle}-{part}"
}

// Manifests that an intake knows, beside ours.
const (
	ManifestNone   = "none"
	ManifestSmarsh = "smarsh" // <zip's name>.mf: a "Count:" line and one line a document
)
