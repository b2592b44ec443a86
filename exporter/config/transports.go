package config

import (
	"time"

	"lpexport/exporter/identity"
)

// Directory is a folder of this machine as a target.
type Directory struct {
	Path string
}

func (d *Directory) keys() object {
	return object{
		doc: "transport: a folder of this machine",
		fields: []field{
			need("path", text(&d.Path, "the folder; created when absent", "", checkPath)),
		},
	}
}

// SFTP is a folder on another machine as a target. KnownHosts or Fingerprint is
// set, and Password or KeyFile.
type SFTP struct {
	Host        string
	Port        int
	User        string
	Password    Secret
	KeyFile     string // private key, "" = none
	Passphrase  Secret // of KeyFile
	KnownHosts  string // file in the format of OpenSSH, "" = none
	Fingerprint string // of the host's key, as ssh-keygen -l writes it: SHA256:…; "" = none
	Path        string
	Timeout     time.Duration // without progress
}

func newSFTP() *SFTP { return &SFTP{Port: 22, Timeout: time.Minute} }

func (s *SFTP) keys() object {
	return object{
		doc: "transport: a folder on another machine, by SFTP",
		fields: flatten(
			[]field{
				need("host", text(&s.Host, "name or address of the machine", "", checkHost)),
				may("port", whole(&s.Port, "its port", 1, 65535)),
				need("user", text(&s.User, "login", "", checkLine(1, 255))),
			},
			secret("password", &s.Password, "password"),
			[]field{may("key_file", text(&s.KeyFile, "private key to log in with", "", checkOptional(checkPath)))},
			secret("passphrase", &s.Passphrase, "passphrase of key_file"),
			[]field{
				may("known_hosts", text(&s.KnownHosts, "file with the host's key, in the format of OpenSSH", "", checkOptional(checkPath))),
				may("fingerprint", text(&s.Fingerprint, "of the host's key, as ssh-keygen -l writes it: SHA256:…", "", checkOptional(checkFingerprint))),
				need("path", text(&s.Path, "the folder, absolute or below the one that the login begins in; created when absent", "", checkPath)),
				may("timeout", duration(&s.Timeout, "how long the far side may do nothing", time.Second, time.Hour)),
			},
		),
	}
}

// SMTP is a mail server as a target.
type SMTP struct {
	Host          string
	Port          int
	TLS           string // TLSStart, TLSDirect or TLSNone
	CAFile        string // PEM, "" = the system's
	CertFile      string // client certificate, "" = none
	KeyFile       string // its key
	Username      string
	Password      Secret
	Hello         string // what we call ourselves, "" = our IP address
	Sender        string // MAIL FROM
	Recipient     string // RCPT TO, the archive and nobody else
	MaxBytes      int64  // 0 = only what the server says
	PerConnection int
	Timeout       time.Duration // without an answer
}

// How a connection to a mail server is protected.
const (
	TLSStart  = "starttls"
	TLSDirect = "tls"
	TLSNone   = "none"
)

// smtpKeys are what the profile or another key has the default of.
type smtpKeys struct {
	SMTP
	port, perConnection *int
	tls                 *string
}

func newSMTP() *smtpKeys { return &smtpKeys{SMTP: SMTP{Timeout: time.Minute}} }

func (s *smtpKeys) keys() object {
	return object{
		doc: "transport: a mail server",
		fields: flatten(
			[]field{
				need("host", text(&s.Host, "name or address of the server", "", checkHost)),
				may("port", given(&s.port, func(at *int) scalar { return whole(at, "its port; 25, with tls 465, when absent", 1, 65535) })),
				may("tls", given(&s.tls, func(at *string) scalar {
					return choice(at, "how the connection is protected; starttls when absent", TLSStart, TLSDirect, TLSNone)
				})),
				may("ca_file", text(&s.CAFile, "certificates to trust, PEM; the system's when absent", "", checkOptional(checkPath))),
				may("cert_file", text(&s.CertFile, "client certificate, PEM", "", checkOptional(checkPath))),
				may("key_file", text(&s.KeyFile, "its private key, PEM", "", checkOptional(checkPath))),
				may("username", text(&s.Username, "login", "", checkLine(0, 255))),
			},
			secret("password", &s.Password, "password"),
			[]field{
				may("hello", text(&s.Hello, "what we call ourselves; our IP address when absent", "", checkOptional(checkHostName))),
				may("sender", canonical(&s.Sender, "envelope sender: a mailbox that somebody reads", orEmpty(identity.ParseAddress))),
				need("recipient", canonical(&s.Recipient, "envelope recipient: the archive's address", identity.ParseAddress)),
				may("max_bytes", size(&s.MaxBytes, "size of a mail at most, beside mail.max_bytes and the server's SIZE: the least splits mails; 0B means no limit of its own", 0, 1<<30)),
				may("per_connection", given(&s.perConnection, func(at *int) scalar {
					return whole(at, "mails over one connection; the archive's profile has the default, mostly 100", 1, 100_000)
				})),
				may("timeout", duration(&s.Timeout, "how long the far side may not answer", time.Second, time.Hour)),
			},
		),
	}
}

// S3 is a bucket as a target.
type S3 struct {
	Endpoint     string // host or host:port
	Plain        bool   // http, a loopback address only
	Region       string // "" = what the endpoint's name says, else us-east-1
	Bucket       string
	Prefix       string
	AccessKey    Secret
	SecretKey    Secret
	SessionToken Secret
	CAFile       string // PEM, "" = the system's
	PathStyle    bool
	Lock         Lock
	LegalHold    bool
	SSE          string // s3, kms or ""
	KMSKey       string
	Timeout      time.Duration // without progress
}

// Lock is the object lock that each object is given. The zero Lock is none.
type Lock struct {
	Mode string // governance or compliance
	Days int    // from the upload
}

func newS3() *S3 { return &S3{Timeout: time.Minute} }

func (s *S3) keys() object {
	endpoint := text(&s.Endpoint, "the store: host, host:port, or a URL without path; plain http for a loopback address only", "", nil)
	endpoint.set = func(text string) (err error) {
		s.Endpoint, s.Plain, err = parseEndpoint(text)
		return err
	}
	return object{
		doc: "transport: a bucket in an S3 store",
		fields: flatten(
			[]field{
				need("endpoint", untold(endpoint)),
				may("region", text(&s.Region, "region of the bucket; empty means what the endpoint says, else us-east-1", "", checkLine(0, 64))),
				need("bucket", text(&s.Bucket, "the bucket; not created", "", checkBucket)),
				may("prefix", text(&s.Prefix, "what all keys begin with, without / at the ends", "", checkOptional(checkPrefix))),
			},
			secret("access_key", &s.AccessKey, "access key"),
			secret("secret_key", &s.SecretKey, "secret key"),
			secret("session_token", &s.SessionToken, "session token"),
			[]field{
				may("ca_file", text(&s.CAFile, "certificates to trust, PEM; the system's when absent", "", checkOptional(checkPath))),
				may("path_style", boolean(&s.PathStyle, "the bucket in the path of a URL, not in its host")),
				may("lock", lazy(func() object {
					return object{
						doc: "object lock of every object",
						fields: []field{
							need("mode", choice(&s.Lock.Mode, "who may lift it: governance (with a permission), compliance (nobody)", "governance", "compliance")),
							need("days", whole(&s.Lock.Days, "how long from the upload", 1, 36_500)),
						},
					}
				})),
				may("legal_hold", boolean(&s.LegalHold, "a legal hold on every object")),
				may("sse", text(&s.SSE, "server-side encryption: s3, kms, or empty for the bucket's own", "", checkOptional(checkSSE))),
				may("kms_key", text(&s.KMSKey, "key for sse: kms; the bucket's own when absent", "", checkLine(0, 2048))),
				may("timeout", duration(&s.Timeout, "how long the far side may do nothing", time.Second, time.Hour)),
			},
		),
	}
}
