package monitor

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"lpexport/exporter"
)

// metrics answers a scrape, with the Go runtime's numbers beside the account's.
func (m *monitor) metrics(w http.ResponseWriter, r *http.Request) {
	o, err := m.overview(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable) // Prometheus takes it for down, which alerts
		return
	}
	registry := registryOf(o)
	account := prometheus.WrapRegistererWith(prometheus.Labels{accountLabel: text(o.Account)}, registry)
	err = errors.Join(account.Register(collectors.NewGoCollector()), account.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})))
	if err != nil {
		m.Log.Error("register metrics of the process", "error", err)
		refuse(w, http.StatusInternalServerError)
		return
	}
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// WriteMetrics writes an Overview in Prometheus' text format: what a scrape gives,
// without the Go runtime's numbers. After an error nothing, or only whole families,
// have been written.
func WriteMetrics(w io.Writer, o exporter.Overview) error {
	all, err := registryOf(&o).Gather()
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	for _, family := range all {
		if _, err := expfmt.MetricFamilyToText(w, family); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	return nil
}

// WriteMetricsFile writes them to a file for the textfile collector of Prometheus'
// node_exporter, in one step: who reads sees the former or the new file, whole.
func WriteMetricsFile(path string, o exporter.Overview) (err error) {
	// The collector reads *.prom only, so never the temporary file.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write metrics file: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write metrics file: %w", errors.Join(err, os.Remove(f.Name())))
		}
	}()
	err = errors.Join(WriteMetrics(f, o), f.Chmod(0o644), f.Sync())
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// registryOf is made for one Overview and forgotten with it.
func registryOf(o *exporter.Overview) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{o}) // never panics: no descriptor is there twice, which a test holds
	return registry
}

// collector gives the series of one Overview.
type collector struct{ o *exporter.Overview }

func (c collector) Describe(out chan<- *prometheus.Desc) {
	for i := range families {
		out <- families[i].desc()
	}
	for i := range histograms {
		out <- histograms[i].desc()
	}
}

func (c collector) Collect(out chan<- prometheus.Metric) {
	for i := range histograms {
		count, sum, buckets := histograms[i].read(c.o)
		if count == 0 {
			continue
		}
		out <- prometheus.MustNewConstHistogram(histograms[i].desc(), count, sum, buckets, text(c.o.Account)) // one label, one value
	}
	for i := range families {
		f := &families[i]
		desc := f.desc()
		f.read(c.o, func(value float64, labels ...string) {
			values := []string{text(c.o.Account)}
			for _, label := range labels {
				values = append(values, text(label))
			}
			metric, err := prometheus.NewConstMetric(desc, f.kind, value, values...)
			if err != nil {
				metric = prometheus.NewInvalidMetric(desc, err)
			}
			out <- metric
		})
	}
}
