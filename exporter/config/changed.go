package config

import "reflect"

// Changed names the keys of the file's first level whose values differ, in the order of
// the table of keys.
func Changed(a, b *Config) []string {
	var names []string
	for _, each := range []struct {
		name string
		a, b any
	}{
		{"account", a.Account, b.Account}, {"liveperson", a.LivePerson, b.LivePerson}, {"state", a.State, b.State},
		{"poll", a.Poll, b.Poll}, {"select", a.Select, b.Select}, {"files", a.Files, b.Files}, {"webhook", a.Webhook, b.Webhook},
		{"serve", a.Serve, b.Serve}, {"alert", a.Alert, b.Alert}, {"metrics_file", a.MetricsFile, b.MetricsFile},
		{"log_level", a.LogLevel, b.LogLevel}, {"identity", a.Identity, b.Identity}, {"destinations", a.Destinations, b.Destinations},
	} {
		if !reflect.DeepEqual(each.a, each.b) {
			names = append(names, each.name)
		}
	}
	return names
}
