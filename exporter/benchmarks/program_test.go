package benchmarks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// build makes the program. Where profiles are wanted, it keeps them itself.
func build(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "lpexport")
	args := []string{"build", "-o", path}
	if *profiles != "" {
		args = append(args, "-overlay", overlay(b))
	}
	cmd := exec.Command("go", append(args, "lpexport/cmd/lpexport")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build the program: %v\n%s", err, out)
	}
	return path
}

// overlay adds the file that keeps profiles to the program.
func overlay(b *testing.B) string {
	b.Helper()
	from, err := filepath.Abs(filepath.Join("testdata", "profile.go"))
	if err != nil {
		b.Fatal(err)
	}
	to, err := filepath.Abs(filepath.Join("..", "..", "cmd", "lpexport", "benchmarkprofile.go"))
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "overlay.json")
	if err := os.WriteFile(path, encode(b, map[string]map[string]string{"Replace": {to: from}}), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// place is where one account is archived by the program.
type place struct {
	program string
	account string
	dir     string
}

// newPlace makes a folder with a configuration for the account at url. All ports
// are free ones.
func newPlace(b *testing.B, program, account, url string) *place {
	b.Helper()
	p := &place{program: program, account: account, dir: b.TempDir()}
	text := configuration(account, job{URL: url, Dir: p.dir}) + fmt.Sprintf(`
webhook: {listen: "127.0.0.1:0", client_id: %q, client_secret: %q}
serve: {listen: "127.0.0.1:0"}
`, sandbox.DefaultWebhookClientID, sandbox.DefaultWebhookSecret)
	if err := os.WriteFile(p.config(), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return p
}

func (p *place) config() string { return filepath.Join(p.dir, "lpexport.yaml") }

func (p *place) archive() string { return filepath.Join(p.dir, "archive", p.account) }

func (p *place) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.program, append(args, "--config", p.config(), "--log-format", "json", "--progress", "never")...)
	if *profiles != "" {
		cmd.Env = append(os.Environ(), "LPEXPORT_BENCHMARK_PROFILES="+*profiles)
	}
	return cmd
}

// backfill is the export of the whole account that starts at epoch.
func (p *place) backfill(epoch time.Time) *exec.Cmd {
	end := epoch.Add(lastStart.Sub(firstStart))
	return p.command("export", "--json", "--from", epoch.Format(time.RFC3339), "--to", end.Format(time.RFC3339))
}

// service is a running `lpexport serve`.
type service struct {
	cmd    *exec.Cmd
	events string // URL
	shown  string // URL of what it shows to operators
	log    chan []string
}

// serve starts a service and waits until its first cycle has ended.
func (p *place) serve(b *testing.B) *service {
	b.Helper()
	s := &service{cmd: p.command("serve"), log: make(chan []string, 1)}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	// Nobody is left behind when the benchmark fails; otherwise it has ended.
	b.Cleanup(func() { _ = s.cmd.Process.Kill() })
	began := make(chan struct{})
	go s.read(stderr, began)
	if _, serves := <-began; !serves {
		b.Fatalf("%s serve: %q", p.program, <-s.log)
	}
	for range 60_000 {
		answer, err := http.Get(s.shown + "readyz")
		if err != nil {
			b.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("its first cycle does not end")
	return nil
}

// read reads the log: where the service is, and what it complains of. began gets
// one value when it serves and is closed when it ends.
func (s *service) read(stderr io.Reader, began chan<- struct{}) {
	complaints := map[string]int{}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var line struct{ Level, Msg, Events, Status, Error string }
		switch err := json.Unmarshal(lines.Bytes(), &line); {
		case err != nil:
			complaints[lines.Text()]++
		case line.Msg == "serving":
			s.events, s.shown = line.Events, line.Status
			began <- struct{}{}
		case line.Level != slog.LevelInfo.String():
			complaints[line.Level+" "+line.Msg+" "+line.Error]++
		}
	}
	close(began)
	var list []string
	for what, n := range complaints {
		list = append(list, fmt.Sprintf("%d x %s", n, what))
	}
	slices.Sort(list)
	s.log <- list
}

// stop ends the service as a service manager does, and logs its complaints.
func (s *service) stop(b *testing.B) {
	b.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	for _, line := range <-s.log {
		b.Log("serve said ", line)
	}
	if err := s.cmd.Wait(); err != nil {
		b.Fatalf("serve: %v", err)
	}
}

// interrupt stops an export in its midst and returns what it has captured.
func interrupt(b *testing.B, export *exec.Cmd) (conversations int64, whole bool) {
	b.Helper()
	_ = export.Process.Signal(os.Interrupt) // it may have ended
	_ = export.Wait()                       // 130, or 0 if it was done
	var found struct {
		Captured struct{ Conversations int64 }
		Complete bool
	}
	out := export.Stdout.(*bytes.Buffer).Bytes()
	if err := json.Unmarshal(out, &found); err != nil {
		b.Fatalf("export: %v: %s", err, out)
	}
	return found.Captured.Conversations, found.Complete
}

// dawn is a start for accounts of which the program is to see a period that is
// over, by its own clock.
func dawn() time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -90) }
