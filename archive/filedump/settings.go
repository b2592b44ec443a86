package filedump

// Settings are the dialect of FileDump XML that an archive reads. They are
// frozen as JSON in the head of each bundle, so a field is never renamed.
type Settings struct {
	File        string   `json:"file"`        // name of the XML file, such as actiance_export.xml
	TimeUnit    string   `json:"time_unit"`   // "ms" or "s"
	Order       string   `json:"order"`       // of elements: "mattermost", "microsoft" or "vendor"
	Status      string   `json:"status"`      // of finished file transfers: "Completed" or "completed"
	Base64      bool     `json:"base64"`      // Base64Content beside Content
	Perspective string   `json:"perspective"` // a template
	Internal    []string `json:"internal"`    // domains of the firm, lower case: who is internal
}
