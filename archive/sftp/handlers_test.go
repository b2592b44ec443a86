package sftp

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// handlers serve one session.
type handlers struct {
	server *testServer
	conn   *ssh.ServerConn
	root   *os.Root
}

// do serves a request, or does what the test wants in its place.
func (h *handlers) do(op, path string, request func(fault) error) error {
	h.server.mu.Lock()
	ask := h.server.fault
	h.server.mu.Unlock()
	what := serve
	if ask != nil {
		what = ask(op, path)
	}
	switch what {
	case refuse:
		return sftp.ErrSSHFxFailure
	case permission:
		return sftp.ErrSSHFxPermissionDenied
	case cutBefore:
		h.conn.Close()
		return io.ErrUnexpectedEOF
	case cutAfter:
		err := request(serve)
		h.conn.Close()
		return err
	case hang:
		for {
			if _, _, err := h.conn.SendRequest("keepalive@openssh.com", true, nil); err != nil {
				return err
			}
			select {
			case <-h.server.over:
				return io.ErrUnexpectedEOF
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return request(what)
}

func local(path string) string {
	if path = strings.TrimPrefix(path, "/"); path == "" {
		return "."
	}
	return filepath.FromSlash(path)
}

func (h *handlers) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	var f *os.File
	err := h.do("open", r.Filepath, func(fault) (err error) {
		f, err = h.root.Open(local(r.Filepath))
		return err
	})
	return &handle{h, r.Filepath, f}, err
}

func (h *handlers) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	var f *os.File
	err := h.do("create", r.Filepath, func(fault) (err error) {
		flags := os.O_WRONLY
		if r.Pflags().Creat {
			flags |= os.O_CREATE
		}
		if r.Pflags().Excl {
			flags |= os.O_EXCL
		}
		f, err = h.root.OpenFile(local(r.Filepath), flags, 0o600)
		return err
	})
	return &handle{h, r.Filepath, f}, err
}

// handle is an open file.
type handle struct {
	*handlers
	path string
	file *os.File
}

func (f *handle) WriteAt(p []byte, off int64) (int, error) {
	err := f.do("write", f.path, func(what fault) error {
		kept := p
		if what == lie {
			kept = p[:len(p)/2]
		}
		_, err := f.file.WriteAt(kept, off)
		return err
	})
	return len(p), err
}

func (f *handle) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.do("read", f.path, func(what fault) (err error) {
		if what == dawdle {
			p = p[:(len(p)+1)/2]
		}
		n, err = f.file.ReadAt(p, off)
		return err
	})
	return n, err
}

func (f *handle) Close() error {
	if f.file == nil {
		return nil
	}
	return f.do("close", f.path, func(fault) error { return f.file.Close() })
}

func (h *handlers) Filecmd(r *sftp.Request) error {
	return h.do(strings.ToLower(r.Method), r.Filepath, func(fault) error {
		name := local(r.Filepath)
		switch r.Method {
		case "Mkdir":
			return h.root.Mkdir(name, 0o700)
		case "Remove", "Rmdir":
			return h.root.Remove(name)
		case "Rename":
			// As the protocol's version 3 wants it.
			if _, err := h.root.Lstat(local(r.Target)); err == nil {
				return fs.ErrExist
			}
			return h.root.Rename(name, local(r.Target))
		}
		return sftp.ErrSSHFxOpUnsupported
	})
}

func (h *handlers) StatVFS(r *sftp.Request) (*sftp.StatVFS, error) {
	h.server.mu.Lock()
	defer h.server.mu.Unlock()
	return &sftp.StatVFS{Frsize: 1, Bavail: h.server.freed, Fsid: h.server.fsid[r.Filepath]}, nil
}

// crooked is a folder with a name that no folder can have.
type crooked string

func (c crooked) Name() string     { return string(c) }
func (crooked) Size() int64        { return -1 }
func (crooked) Mode() fs.FileMode  { return fs.ModeDir | 0o777 }
func (crooked) ModTime() time.Time { return time.Unix(0, 0) }
func (crooked) IsDir() bool        { return true }
func (crooked) Sys() any           { return nil }

// listing is an answer that is a list.
type listing []fs.FileInfo

func (l listing) ListAt(out []fs.FileInfo, off int64) (int, error) {
	n := copy(out, l[min(off, int64(len(l))):])
	if n < len(out) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handlers) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	var found listing
	err := h.do(strings.ToLower(r.Method), r.Filepath, func(what fault) error {
		name := local(r.Filepath)
		if r.Method == "Stat" {
			info, err := h.root.Stat(name)
			found = listing{info}
			return err
		}
		if what == dressUp {
			for _, name := range []string{"", "/", "x/", "x/.", "x/..", "../..", "x/../../y"} {
				found = append(found, crooked(name))
			}
		}
		entries, err := fs.ReadDir(h.root.FS(), filepath.ToSlash(name))
		for _, e := range entries {
			if info, err := e.Info(); err == nil { // else it is gone again
				found = append(found, info)
			}
		}
		return err
	})
	return found, err
}

func (h *handlers) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	var info fs.FileInfo
	err := h.do("lstat", r.Filepath, func(fault) (err error) {
		info, err = h.root.Lstat(local(r.Filepath))
		return err
	})
	return listing{info}, err
}

func (h *handlers) RealPath(path string) (string, error) {
	err := h.do("realpath", path, func(fault) error { return nil })
	return "/" + strings.TrimPrefix(filepath.ToSlash(filepath.Clean(path)), "."), err
}

// configure changes what the logins that follow meet.
func (s *testServer) configure(change func(*ssh.ServerConfig)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.config)
}
