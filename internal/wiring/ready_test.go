package wiring_test

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// held are clients whose requests about pods wait until somebody releases them.
type held struct {
	asked   chan struct{} // has something in it when one waits
	release chan struct{}
}

func (h held) of(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if strings.HasSuffix(request.URL.Path, "/api/v1/pods") {
				select {
				case h.asked <- struct{}{}:
				default:
				}
				select {
				case <-h.release:
				case <-request.Context().Done():
					return nil, request.Context().Err()
				}
			}
			return next.RoundTrip(request)
		})
	})
	return config
}

func TestAManagerIsOfUseWhenItsLoopsHaveReadWhatTheyWatch(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	pods := held{make(chan struct{}, 1), make(chan struct{})}
	c.Config = pods.of(c.Config)
	m, err := wiring.NewControllers(c, wiring.ControllersOptions{Loops: wiring.Loops{Cluster: true}})
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, m, func() {})
	select {
	case <-pods.asked:
	case <-m.Ready():
	}
	if isReady(m) {
		t.Error("it is ready before it has read the pods")
	}
	close(pods.release)
	await.Until(t, "the manager to be ready", func() (string, bool) { return "not ready", isReady(m) })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func isReady(m *wiring.Manager) bool {
	select {
	case <-m.Ready():
		return true
	default:
		return false
	}
}
