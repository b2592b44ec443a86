package liveperson

import (
	"context"
	"errors"
	"net/http"
)

// Result is how one request ended, for those who count.
type Result string

// The results of requests.
const (
	ResultOK           Result = "ok"
	ResultThrottled    Result = "throttled"    // 429
	ResultUnauthorized Result = "unauthorized" // 401 or 403
	ResultRejected     Result = "rejected"     // any other 4xx
	ResultTimeout      Result = "timeout"
	ResultCancelled    Result = "cancelled"   // by us
	ResultUnavailable  Result = "unavailable" // 5xx, no answer, or one that could not be read
)

func resultOf(ctx context.Context, err error) Result {
	var api *APIError
	switch {
	case err == nil:
		return ResultOK
	case ctx.Err() != nil && !(errors.As(err, &api) && api.Status >= 300):
		return ResultCancelled
	case !errors.As(err, &api):
		return ResultUnavailable
	case api.Timeout:
		return ResultTimeout
	case api.Status == http.StatusTooManyRequests:
		return ResultThrottled
	case api.Status == http.StatusUnauthorized, api.Status == http.StatusForbidden:
		return ResultUnauthorized
	case api.Status >= 400 && api.Status < 500:
		return ResultRejected
	}
	return ResultUnavailable
}
