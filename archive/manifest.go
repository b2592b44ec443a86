package archive

import (
	"cmp"
	"slices"
	"strconv"
)

// Files that every bundle has beside its content.
const (
	ManifestFile = "manifest.json" // written last
	SumsFile     = "SHA256SUMS"    // every file but itself
)

// ManifestSchema is the first member of every manifest.
const ManifestSchema = "lpexport/manifest/v1"

// Manifest says exactly what a bundle holds. All times are epoch milliseconds
// in UTC; all hashes are SHA-256 in lower-case hex.
type Manifest struct {
	Bundle         string // BundleName(Destination, Serial)
	Serial         int    // 1, 2, … per destination, without gaps
	Account        string
	Destination    string
	Archive        string // the profile's name
	SettingsSHA256 string
	Generator      string
	Created        int64
	Origin         string     // made once per checkpoint and destination
	Period         Period     // of the messages' SentAt
	Previous       *Previous  // nil in the first
	Coverage       []Coverage // nil: written by a version that proved none
	Replaces       []Replaced // files of earlier bundles that were too large for the far side
	Files          []FileInfo
	Slices         []Listing
	Totals         Totals
}

// Period is the first and the last time; both are 0 (null) where there is none.
type Period struct{ From, To int64 }

// include widens the period.
func (p *Period) include(from, to int64) {
	if from != 0 && (p.From == 0 || from < p.From) {
		p.From = from
	}
	if to != 0 && (p.To == 0 || to > p.To) {
		p.To = to
	}
}

// Previous names the bundle before, and the hash of its manifest.json's bytes.
type Previous struct{ Bundle, SHA256 string }

// FileInfo is one file of a bundle. Path is relative to it and slash separated.
type FileInfo struct {
	Path   string
	Bytes  int64
	SHA256 string
	Clear  *Clear // of an encrypted file; nil: it is not encrypted
}

// Clear is what an encrypted file decrypts to.
type Clear struct {
	Bytes  int64
	SHA256 string
}

// Totals of a bundle. Files and Bytes are those of its list of files.
type Totals struct {
	Conversations, Messages, Amendments, Files int
	Bytes                                      int64
}

// Listing names what one slice holds.
type Listing struct {
	Conversation string
	Slice        int
	Revision     int
	File         string // the file that holds the slice, or its first part
	Parts        []Part // where its parts lie; nil: all of it is in File
	Messages     int    // all of them, amendments too
	Amendments   int    // those of them that amend
	Dialogs      []Dialog
	Happened     []string // names, in the slice's order
}

// Part is one document of a slice: a file, or an entry of one that is a zip.
type Part struct{ File, Entry string }

// Dialog names the messages of one dialog in a slice.
type Dialog struct {
	ID string
	// Sequences of every message that has one, also of amendments and variants.
	Sequences Sequences
	Derived   []string  // of the messages without a sequence, sorted
	Variants  []Variant // which of them are not the first under their sequence, sorted
}

// Variant names another message under a sequence: Number is 2 or more.
type Variant struct {
	Sequence int64
	Number   int
}

// ListingOf names what s holds. Where that lies is left for the Writer to fill in.
func ListingOf(s *Slice) Listing {
	l := Listing{Conversation: s.Conversation, Slice: s.Number, Revision: s.Revision}
	for i := range s.Messages {
		m := &s.Messages[i]
		l.add(m.Dialog, m.Sequence, m.Derived, m.Variant, m.Amends)
	}
	if len(s.Happened) > 0 {
		l.Happened = make([]string, len(s.Happened))
	}
	for i := range s.Happened {
		l.Happened[i] = s.Happened[i].Name
	}
	return l
}

// add names one more message.
func (l *Listing) add(dialog string, sequence int64, derived string, variant, amends int) {
	l.Messages++
	if amends != 0 {
		l.Amendments++
	}
	d := l.dialog(dialog)
	if derived != "" {
		d.Derived = insert(d.Derived, derived, cmp.Compare[string])
		return
	}
	d.Sequences.Add(sequence)
	if variant != 0 {
		d.Variants = insert(d.Variants, Variant{sequence, variant}, Variant.compare)
	}
}

func (v Variant) compare(o Variant) int {
	return cmp.Or(cmp.Compare(v.Sequence, o.Sequence), cmp.Compare(v.Number, o.Number))
}

// dialog finds or makes the entry of one dialog, keeping them sorted.
func (l *Listing) dialog(id string) *Dialog {
	i, found := slices.BinarySearchFunc(l.Dialogs, id, func(d Dialog, id string) int { return cmp.Compare(d.ID, id) })
	if !found {
		l.Dialogs = slices.Insert(l.Dialogs, i, Dialog{ID: id})
	}
	return &l.Dialogs[i]
}

// insert keeps a list sorted and each value in it once.
func insert[T any](list []T, value T, compare func(a, b T) int) []T {
	i, found := slices.BinarySearchFunc(list, value, compare)
	if found {
		return list
	}
	return slices.Insert(list, i, value)
}

// Append appends what the listing names, as it is frozen at the cut: one line of
// JSON. Where it lies, in a manifest, is added by appendPlace.
func (l *Listing) Append(dst []byte) []byte {
	dst = appendString(append(dst, `{"conversation":`...), l.Conversation)
	dst = strconv.AppendInt(append(dst, `,"slice":`...), int64(l.Slice), 10)
	dst = strconv.AppendInt(append(dst, `,"revision":`...), int64(l.Revision), 10)
	dst = strconv.AppendInt(append(dst, `,"messages":`...), int64(l.Messages), 10)
	dst = strconv.AppendInt(append(dst, `,"amendments":`...), int64(l.Amendments), 10)
	dst = appendList(append(dst, `,"dialogs":`...), l.Dialogs, appendDialog)
	dst = appendList(append(dst, `,"happened":`...), l.Happened, appendText)
	return append(dst, '}')
}

// appendPlace appends a frozen listing as an element of a manifest's slices,
// with the parts that the slice's documents became.
func appendPlace(dst, listing []byte, parts []Part) []byte {
	dst = append(dst, listing[:len(listing)-1]...)
	dst = appendString(append(dst, `,"file":`...), parts[0].File)
	if len(parts) > 1 || parts[0].Entry != "" {
		dst = appendList(append(dst, `,"parts":`...), parts, appendPart)
	}
	return append(dst, '}')
}

func appendPart(dst []byte, p *Part) []byte {
	dst = appendString(append(dst, `{"file":`...), p.File)
	return append(appendOptional(dst, `,"entry":`, p.Entry), '}')
}

func appendDialog(dst []byte, d *Dialog) []byte {
	dst = appendString(append(dst, `{"dialog":`...), d.ID)
	dst = append(d.Sequences.Append(append(dst, `,"sequences":"`...)), '"')
	dst = appendList(append(dst, `,"derived":`...), d.Derived, appendText)
	dst = appendList(append(dst, `,"variants":`...), d.Variants, appendVariant)
	return append(dst, '}')
}

func appendText(dst []byte, s *string) []byte { return appendString(dst, *s) }

func appendVariant(dst []byte, v *Variant) []byte {
	dst = strconv.AppendInt(append(dst, `{"sequence":`...), v.Sequence, 10)
	dst = strconv.AppendInt(append(dst, `,"variant":`...), int64(v.Number), 10)
	return append(dst, '}')
}

// Equal tells whether two listings say the same, in the same order.
func (l *Listing) Equal(o *Listing) bool {
	return l.Conversation == o.Conversation && l.Slice == o.Slice && l.Revision == o.Revision && l.File == o.File &&
		l.Messages == o.Messages && l.Amendments == o.Amendments &&
		slices.Equal(l.Parts, o.Parts) && slices.EqualFunc(l.Dialogs, o.Dialogs, Dialog.equal) && slices.Equal(l.Happened, o.Happened)
}

func (d Dialog) equal(o Dialog) bool {
	return d.ID == o.ID && d.Sequences.Equal(o.Sequences) && slices.Equal(d.Derived, o.Derived) && slices.Equal(d.Variants, o.Variants)
}

// appendHead appends a manifest up to the "[" of its slices, with one line for
// each member, so that people and line tools can read it.
func (m *Manifest) appendHead(dst []byte) []byte {
	dst = append(dst, `{"schema":"`+ManifestSchema+`"`...)
	dst = appendString(append(dst, ",\n\"bundle\":"...), m.Bundle)
	dst = strconv.AppendInt(append(dst, ",\n\"serial\":"...), int64(m.Serial), 10)
	dst = appendString(append(dst, ",\n\"account\":"...), m.Account)
	dst = appendString(append(dst, ",\n\"destination\":"...), m.Destination)
	dst = appendString(append(dst, ",\n\"archive\":"...), m.Archive)
	dst = appendString(append(dst, ",\n\"settings_sha256\":"...), m.SettingsSHA256)
	dst = appendString(append(dst, ",\n\"generator\":"...), m.Generator)
	dst = appendTime(append(dst, ",\n\"created\":"...), m.Created)
	dst = appendString(append(dst, ",\n\"origin\":"...), m.Origin)
	dst = appendTime(append(dst, ",\n\"period\":{\"from\":"...), m.Period.From)
	dst = append(appendTime(append(dst, `,"to":`...), m.Period.To), '}')
	dst = append(dst, ",\n\"previous\":"...)
	if m.Previous == nil {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(append(dst, `{"bundle":`...), m.Previous.Bundle)
		dst = append(appendString(append(dst, `,"sha256":`...), m.Previous.SHA256), '}')
	}
	if m.Coverage != nil {
		dst = appendList(append(dst, ",\n\"coverage\":"...), m.Coverage, appendCoverage)
	}
	if len(m.Replaces) > 0 {
		dst = appendList(append(dst, ",\n\"replaces\":"...), m.Replaces, appendReplaced)
	}
	dst = appendList(append(dst, ",\n\"files\":"...), m.Files, appendFileInfo)
	return append(dst, ",\n\"slices\":["...)
}

func appendFileInfo(dst []byte, f *FileInfo) []byte {
	dst = appendString(append(dst, `{"path":`...), f.Path)
	dst = strconv.AppendInt(append(dst, `,"bytes":`...), f.Bytes, 10)
	dst = appendString(append(dst, `,"sha256":`...), f.SHA256)
	if f.Clear != nil {
		dst = strconv.AppendInt(append(dst, `,"clear":{"bytes":`...), f.Clear.Bytes, 10)
		dst = append(appendString(append(dst, `,"sha256":`...), f.Clear.SHA256), '}')
	}
	return append(dst, '}')
}

// appendTail appends what follows the last of the slices.
func (t *Totals) appendTail(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, "],\n\"totals\":{\"conversations\":"...), int64(t.Conversations), 10)
	dst = strconv.AppendInt(append(dst, `,"messages":`...), int64(t.Messages), 10)
	dst = strconv.AppendInt(append(dst, `,"amendments":`...), int64(t.Amendments), 10)
	dst = strconv.AppendInt(append(dst, `,"files":`...), int64(t.Files), 10)
	dst = strconv.AppendInt(append(dst, `,"bytes":`...), t.Bytes, 10)
	return append(dst, "}}\n"...)
}
