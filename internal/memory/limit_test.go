package memory

import "testing"

func TestReserve(t *testing.T) {
	const mb = 1 << 20
	for name, c := range map[string]struct {
		usage usage
		want  uint64
	}{
		"lasts for half a minute at the present rate":    {usage{live: 100 * mb, rate: 1 * mb}, 30 * mb},
		"is never less than 16 MiB":                      {usage{live: 100 * mb, rate: 0}, 16 * mb},
		"is never more than half of what is in use":      {usage{live: 100 * mb, rate: 200 * mb}, 50 * mb},
		"is 16 MiB also where half of it is less":        {usage{live: 30 * mb, rate: 200 * mb}, 16 * mb},
		"does not depend on what is no object of anyone": {usage{live: 100 * mb, overhead: 500 * mb, rate: 1 * mb}, 30 * mb},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.usage.reserve(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
