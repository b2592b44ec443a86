package sandbox_test

import (
	"slices"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// twice is an account whose second search meets a fault.
func twice(t *testing.T, f sandbox.Fault) *remote {
	t.Helper()
	f.Route, f.Nth = sandbox.Search, []int{2}
	return faulty(t, f)
}

func TestSearchesThatAnswerNothing(t *testing.T) {
	for kind, count := range map[sandbox.Kind]bool{sandbox.Zero: false, sandbox.Hollow: true} {
		r := twice(t, sandbox.Fault{Kind: kind})
		_, all := r.found("limit=10")
		if numbers, n := r.found("limit=10"); len(numbers) != 0 || (n == all) != count || !count && n != 0 {
			t.Errorf("fault %d: %v, count %d of %d", kind, numbers, n, all)
		}
		if numbers, _ := r.found("limit=10"); len(numbers) != 10 {
			t.Errorf("fault %d: %v after it", kind, numbers)
		}
	}
}

func TestPagesThatLackRecords(t *testing.T) {
	r := twice(t, sandbox.Fault{Kind: sandbox.Short, By: 7})
	whole, all := r.found("limit=20")
	if numbers, n := r.found("limit=20"); !slices.Equal(numbers, whole[:7]) || n != all {
		t.Errorf("short: %v of %v", numbers, whole)
	}
	r = faulty(t, sandbox.Fault{Kind: sandbox.Omit, Route: sandbox.Search})
	lacking := map[int]bool{}
	for range 20 {
		numbers, n := r.found("limit=20")
		for _, k := range whole {
			if !slices.Contains(numbers, k) {
				lacking[k] = true
			}
		}
		if len(numbers) != 19 || n != all {
			t.Errorf("%d records, count %d of %d", len(numbers), n, all)
		}
	}
	if len(lacking) < 5 {
		t.Errorf("it is always %v that is missing", lacking)
	}
}

func TestRecordsBesideThePeriod(t *testing.T) {
	r := twice(t, sandbox.Fault{Kind: sandbox.Wide, Delay: 2 * time.Hour})
	filter := everythingSince(epoch.Add(day))
	exact, wide := r.search("limit=100&sort=start:asc", filter), r.search("limit=100&sort=start:asc", filter)
	if wide.Metadata.Count <= exact.Metadata.Count || idOf(wide.Records[0]) == idOf(exact.Records[0]) {
		t.Errorf("%d found, and %d with two hours more", exact.Metadata.Count, wide.Metadata.Count)
	}
}

func TestTiesChangeTheirOrder(t *testing.T) {
	r := faulty(t, sandbox.Fault{Kind: sandbox.Ties})
	orders := map[int]bool{}
	for range 10 {
		numbers, _ := r.found("limit=1")
		orders[numbers[0]] = true
	}
	if len(orders) != 2 { // the first two start at the same time
		t.Errorf("the first was one of %v", orders)
	}
}

func TestRecordsOfAnotherAccount(t *testing.T) {
	r := faulty(t, sandbox.Fault{Kind: sandbox.Foreign, Numbers: []int{3}})
	for _, record := range r.search("limit=20&sort=start:asc", everythingSince(epoch)).Records {
		n, _ := r.account.Number(idOf(record))
		if brand := infoOf(record)["brandId"]; (brand == "sandbox") == (n == 3) {
			t.Errorf("conversation %d is of %v", n, brand)
		}
	}
}
