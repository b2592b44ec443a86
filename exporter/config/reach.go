package config

// checkReach finds what is wrong between the keys of a transport.
func (d *decoder) checkReach(path string, t *chosen) {
	switch {
	case t.SFTP != nil && !d.faulty(join(path, "sftp")):
		d.checkSFTP(join(path, "sftp"), t.SFTP)
	case t.SMTP != nil && !d.faulty(join(path, "smtp")):
		d.checkSMTP(join(path, "smtp"), t.SMTP)
	case t.S3 != nil && !d.faulty(join(path, "s3")):
		d.checkS3(join(path, "s3"), t.S3)
	}
}

// wrong reports a fault of a key below path.
func (d *decoder) wrong(is bool, path, key, detail string) {
	if is {
		at := join(path, key)
		d.fault(d.line(at), at, "%s", detail)
	}
}

func (d *decoder) checkSFTP(path string, s *SFTP) {
	d.wrong(s.KnownHosts == "" && s.Fingerprint == "", path, "known_hosts|fingerprint", "is required: the host must prove who it is")
	d.wrong(s.KnownHosts != "" && s.Fingerprint != "", path, "fingerprint", "is given beside known_hosts: keep one")
	d.wrong(s.Password.Empty() && s.KeyFile == "", path, "password|key_file", "is required to log in")
	d.wrong(!s.Passphrase.Empty() && s.KeyFile == "", path, "passphrase", "means nothing without key_file")
}

func (d *decoder) checkSMTP(path string, s *SMTP) {
	d.incomplete(path, []part{{"username", s.Username == ""}, {"password", s.Password.Empty()}}, loginIncomplete)
	d.incomplete(path, []part{{"cert_file", s.CertFile == ""}, {"key_file", s.KeyFile == ""}}, "the client certificate is incomplete without it")
	if s.TLS != TLSNone {
		return
	}
	d.wrong(!s.Password.Empty() && !loopback(s.Host), path, "tls", "none sends the password in the clear: only a loopback address is given one so")
	d.wrong(s.CAFile != "", path, "ca_file", "means nothing with tls: none")
	d.wrong(s.CertFile != "", path, "cert_file", "means nothing with tls: none")
}

func (d *decoder) checkS3(path string, s *S3) {
	d.wrong(s.AccessKey.Empty(), path, "access_key", "is required")
	d.wrong(s.SecretKey.Empty(), path, "secret_key", "is required")
	d.wrong(s.KMSKey != "" && s.SSE != "kms", path, "kms_key", "means nothing without sse: kms")
}
