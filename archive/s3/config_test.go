package s3

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestConfigurationFaults(t *testing.T) {
	good := Config{Endpoint: "s3.example.test:443", Bucket: "bucket", AccessKey: "a", SecretKey: "very-secret", Account: "a", Name: "d"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, set := range map[string]func(c *Config){
		"endpoint \"\"":             func(c *Config) { c.Endpoint = "" },
		"endpoint \"https://s3\"":   func(c *Config) { c.Endpoint = "https://s3" },
		"endpoint \"s3/path\"":      func(c *Config) { c.Endpoint = "s3/path" },
		"endpoint \"u@s3\"":         func(c *Config) { c.Endpoint = "u@s3" },
		"endpoint \"s3:\"":          func(c *Config) { c.Endpoint = "s3:" },
		"endpoint \"s3\\n\"":        func(c *Config) { c.Endpoint = "s3\n" },
		"only loopback":             func(c *Config) { c.Plain = true },
		"bucket \"B\"":              func(c *Config) { c.Bucket = "B" },
		"bucket \"a/../b\"":         func(c *Config) { c.Bucket = "a/../b" },
		"prefix \"/x\"":             func(c *Config) { c.Prefix = "/x" },
		"prefix \"x/\"":             func(c *Config) { c.Prefix = "x/" },
		"prefix \"a/../b\"":         func(c *Config) { c.Prefix = "a/../b" },
		"prefix \".\"":              func(c *Config) { c.Prefix = "." },
		"prefix \"xxx":              func(c *Config) { c.Prefix = strings.Repeat("x", 201) },
		"prefix \"a b\"":            func(c *Config) { c.Prefix = "a b" },
		"secret key are required":   func(c *Config) { c.SecretKey = "" },
		"name are required":         func(c *Config) { c.Name = "" },
		"lock: days without a mode": func(c *Config) { c.Lock.Days = 1 },
		"lock: days 0":              func(c *Config) { c.Lock.Mode = governance },
		"lock: days 36501":          func(c *Config) { c.Lock = Lock{compliance, maxDays + 1} },
		"lock: mode \"GOVERNANCE\"": func(c *Config) { c.Lock = Lock{"GOVERNANCE", 1} },
		"sse \"aes\"":               func(c *Config) { c.SSE = "aes" },
		"KMS key without":           func(c *Config) { c.KMSKey, c.SSE = "k", sseS3 },
		"timeout -1s":               func(c *Config) { c.Timeout = -time.Second },
		"no certificate":            func(c *Config) { c.CA = []byte("none") },
	} {
		c := good
		set(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := New(Config{}); err == nil || strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("not all faults at once: %v", err)
	}
}

func TestEndpoints(t *testing.T) {
	for endpoint, plain := range map[string]bool{
		"localhost:9000": true, "127.0.0.1:9000": true, "127.8.0.1": true, "[::1]:9000": true,
		"s3.example.test": false, "192.168.0.1:9000": false, "[2001:db8::1]:9000": false, "localhost.example.test:80": false,
	} {
		c := Config{Endpoint: endpoint, Bucket: "bucket", AccessKey: "a", SecretKey: "s", Account: "a", Name: "d"}
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", endpoint, err)
		}
		c.Plain = true
		if _, err := New(c); (err == nil) != plain {
			t.Errorf("%s without TLS: %v", endpoint, err)
		}
	}
	for endpoint, want := range map[string]string{
		"s3.eu-west-1.amazonaws.com": "eu-west-1", "s3.amazonaws.com": "us-east-1", "store.example.test:9000": "us-east-1",
	} {
		if got := (Config{Endpoint: endpoint}).region(); got != want {
			t.Errorf("%s: region %s, want %s", endpoint, got, want)
		}
	}
	if got := (Config{Endpoint: "store.example.test", Region: "garage"}).region(); got != "garage" {
		t.Errorf("region %s", got)
	}
}

// TestPlain delivers without TLS: the payload's hash is signed there too.
func TestPlain(t *testing.T) {
	f := newFake()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	c := serve(t, newFake())
	c.Endpoint, c.Plain, c.CA, c.Prefix = s.Listener.Addr().String(), true, nil, "a/root"
	for _, part := range []int64{partSize, 1000} {
		d := open(t, c)
		d.partSize = part
		f.objects = map[string][]*stored{}
		item := spooled(t, 1)
		deliver(t, d, item)
		wantOnce(t, f, item)
	}
	facts, err := open(t, c).Probe(context.Background())
	if err != nil || !slices.Contains(facts, "bucket bucket answers at "+c.Endpoint+", without TLS") {
		t.Errorf("%q, %v", facts, err)
	}
}
