package smtp

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// The benchmark's mails, and smtp-source's.
const (
	benchMails = 3000
	benchBytes = 20_000
)

// BenchmarkDeliver sends mails in one session to Postfix's smtp-sink, in turns
// with Postfix's smtp-source, which makes its mails in memory: ours are read from
// the spool, hashed and checked. The ratio is of the times; below 1 is faster.
func BenchmarkDeliver(b *testing.B) {
	b.Run("Pipelining", func(b *testing.B) { benchDeliver(b, nil) })
	b.Run("NoPipelining", func(b *testing.B) { benchDeliver(b, []string{"-p"}) })
}

func benchDeliver(b *testing.B, options []string) {
	address := startSink(b, options)
	source, err := lookUp("smtp-source")
	if err != nil {
		b.Skip(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		b.Fatal(err)
	}
	c := Config{
		Account: archivetest.Account, Name: archivetest.Name, Host: "127.0.0.1", TLS: NoTLS,
		Sender: sender, Recipient: recipient, PerConnection: benchMails,
	}
	if c.Port, err = strconv.Atoi(port); err != nil {
		b.Fatal(err)
	}
	items := benchItems(b)
	var theirs, ours time.Duration
	for b.Loop() {
		begin := time.Now()
		out, err := exec.Command(source, "-d", "-s", "1", "-m", strconv.Itoa(benchMails), "-l", strconv.Itoa(benchBytes),
			"-f", sender, "-t", recipient, address).CombinedOutput()
		if err != nil {
			b.Fatalf("smtp-source: %v %s", err, out)
		}
		theirs += time.Since(begin)
		begin = time.Now()
		d := open(b, c)
		for _, item := range items {
			if _, err := deliver(d, item); err != nil {
				b.Fatal(err)
			}
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(begin)
	}
	mails := float64(b.N * benchMails)
	b.ReportMetric(mails/ours.Seconds(), "mails/s")
	b.ReportMetric(mails/theirs.Seconds(), "smtp-source-mails/s")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio")
}

// lookUp finds a program of Postfix, which is often not on the path of users.
func lookUp(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

// startSink starts smtp-sink and returns where it listens.
func startSink(b *testing.B, options []string) string {
	b.Helper()
	sink, err := lookUp("smtp-sink")
	if err != nil {
		b.Skip(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	if os.Geteuid() == 0 {
		options = append(options, "-u", "root") // it wants to be told
	}
	cmd := exec.Command(sink, append(options, address, "100")...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 1000 {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Fatal("smtp-sink does not answer")
	return ""
}

// benchItems spools the mails: lines of 78 bytes, as a base64 part has them.
func benchItems(b *testing.B) []archive.Item {
	b.Helper()
	first := archivetest.FileItems(b, 1)[0]
	items := make([]archive.Item, benchMails)
	for i := range items {
		text := fmt.Appendf(nil, "Message-ID: <%d@bank.example>\r\n\r\n", i)
		text = append(text, bytes.Repeat([]byte(strings.Repeat("x", 76)+"\r\n"), (benchBytes-len(text))/78)...)
		file := archive.FileInfo{
			Path: fmt.Sprintf("mails/bench-%d.eml", i), Bytes: int64(len(text)), SHA256: fmt.Sprintf("%x", sha256.Sum256(text)),
		}
		if err := os.WriteFile(filepath.Join(first.Dir, filepath.FromSlash(file.Path)), text, 0o640); err != nil {
			b.Fatal(err)
		}
		items[i] = first
		items[i].File = &file
	}
	return items
}
