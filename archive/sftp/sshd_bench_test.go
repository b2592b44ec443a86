//go:build linux

package sftp

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"lpexport/archive"
)

// BenchmarkOpenSSH sends the same files to the same server by this package and
// by OpenSSH's own client, log-in included.
func BenchmarkOpenSSH(b *testing.B) {
	for _, size := range []struct {
		name            string
		bundles, slices int
	}{{"OneLarge", 1, 40_000}, {"ManySmall", 150, 10}} {
		items := spooledMany(b, size.bundles, size.slices)
		var bytes int64
		for _, item := range items {
			files, err := item.Files()
			if err != nil {
				b.Fatal(err)
			}
			for _, f := range files {
				bytes += f.Bytes
			}
		}
		b.Run(size.name+"/lpexport", func(b *testing.B) {
			b.SetBytes(bytes)
			for b.Loop() {
				c := realServer(b)
				c.Path = b.TempDir()
				d, err := New(c)
				if err != nil {
					b.Fatal(err)
				}
				for _, item := range items {
					if _, err := d.Deliver(context.Background(), item); err != nil {
						b.Fatal(err)
					}
				}
				d.Close()
			}
		})
		for _, put := range []string{"put", "put -f"} { // -f: sync, as we do
			b.Run(size.name+"/"+strings.ReplaceAll(put, " ", ""), func(b *testing.B) {
				b.SetBytes(bytes)
				for b.Loop() {
					client(b, batch(items, b.TempDir(), put))
				}
			})
		}
	}
}

// batch returns the commands of the client that send the items' files.
func batch(items []archive.Item, root, put string) string {
	var commands strings.Builder
	made := map[string]bool{}
	for _, item := range items {
		for i, c := range item.Path + "/" {
			if dir := item.Path[:i]; c == '/' && !made[dir] {
				made[dir] = true
				fmt.Fprintf(&commands, "mkdir %s/%s\n", root, dir)
			}
		}
		for _, name := range []string{archive.TranscriptsFile, archive.SumsFile, archive.ManifestFile} {
			fmt.Fprintf(&commands, "%s %s/%s %s/%s/%s\n", put, item.Dir, name, root, item.Path, name)
		}
	}
	return commands.String()
}

func client(b *testing.B, commands string) {
	b.Helper()
	cmd := exec.Command("sftp", "-q", "-b", "-", "-P", variable(b, "PORT"), "-i", variable(b, "KEY"), "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile="+variable(b, "KNOWN_HOSTS"), "-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "StrictHostKeyChecking=yes", variable(b, "USER")+"@"+variable(b, "HOST"))
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}
