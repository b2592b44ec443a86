package filedump_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive/filedump"
)

// The vendor's own example must be readable too: it is all there is of a
// specification.
func TestReadsTheVendorsExample(t *testing.T) {
	data, err := os.ReadFile("../../../shared/samples/destinations/filedump-facetime-import-example.xml")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the official samples are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	c := read(t, data)[0]
	if c.RoomID != "Trading" || c.Perspective != "Trading_group_channel1" || c.Start != 1149708684 || c.End != 0 {
		t.Errorf("read as %+v", c)
	}
	want := filedump.Element{Kind: "ParticipantEntered", LoginName: "admin1", At: 1149708684, InternalFlag: "false", ConversationID: "Trading1"}
	if diff := cmp.Diff(want, of(c, "ParticipantEntered")[1]); diff != "" {
		t.Error(diff)
	}
	ended := of(c, "FileTransferEnded")[0]
	if ended.Status != "completed" || ended.FileName != `transferedFiles\16200606071431248685rower1.jpg` {
		t.Errorf("the transfer is %+v", ended)
	}
	if said := of(c, "Message"); len(said) != 1 || !strings.HasPrefix(said[0].Content, "now here's a file transfer") {
		t.Errorf("the messages are %+v", said)
	}
}

func TestReadRefuses(t *testing.T) {
	const open, shut = `<FileDump><Conversation Perspective="p"><RoomID>r</RoomID>`, `</Conversation></FileDump>`
	for name, text := range map[string]string{
		"nothing":           "",
		"another root":      "<Dump></Dump>",
		"cut off":           open,
		"root cut off":      open + "</Conversation>",
		"two roots":         open + shut + open + shut,
		"text after":        open + shut + "secret",
		"text between":      open + "secret" + shut,
		"another child":     "<FileDump><Secret/></FileDump>",
		"wrong end":         open + "<Message></Secret>" + shut,
		"bare ampersand":    open + "<Message><Content>secret & secret</Content></Message>" + shut,
		"control character": open + "<Message><Content>secret\x01</Content></Message>" + shut,
		"entity":            `<!DOCTYPE FileDump [<!ENTITY secret "x">]>` + open + "<Message><Content>&secret;</Content></Message>" + shut,
		"time in words":     open + "<Message><DateTimeUTC>secret</DateTimeUTC></Message>" + shut,
		"nested":            open + strings.Repeat("<Message>", 20_000) + strings.Repeat("</Message>", 20_000) + shut,
		"not UTF-8":         open + "<Message><Content>secret\xff</Content></Message>" + shut,
	} {
		err := filedump.Read(strings.NewReader(text), func(filedump.Conversation) error { return nil })
		if err == nil && name != "nested" {
			t.Errorf("%s: was read", name)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error quotes: %v", name, err)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	one := `<Conversation><Unknown>` + strings.Repeat("<a/>", 20_000) + "</Unknown></Conversation>"
	n := 0
	count := func(filedump.Conversation) error { n++; return nil }
	if err := filedump.ReadUpTo(100_000, strings.NewReader("<FileDump>"+one+one+"</FileDump>"), count); err != nil || n != 2 {
		t.Errorf("two that are below the bound: %d, %v", n, err)
	}
	err := filedump.ReadUpTo(50_000, strings.NewReader("<FileDump>"+one), count)
	if err == nil || !strings.Contains(err.Error(), "over 50000 bytes") || n != 2 {
		t.Errorf("one that is over the bound: %v", err)
	}
}

func TestReadReturnsTheCallersError(t *testing.T) {
	stop := errors.New("stop")
	data := string(dump(t, settings("vendor"), first(), second()))
	n := 0
	if err := filedump.Read(strings.NewReader(data), func(filedump.Conversation) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("called %d times: %v", n, err)
	}
	broken := errors.New("broken")
	err := filedump.Read(&failing{strings.NewReader(data[:3000]), broken}, func(filedump.Conversation) error { return nil })
	if !errors.Is(err, broken) {
		t.Errorf("a failed read is %v", err)
	}
}

type failing struct {
	*strings.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil {
		err = f.err
	}
	return n, err
}
