package dns

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

const (
	// startPatience is how long CoreDNS has to answer after it was started, and startPause how long we rest before we ask again.
	startPatience, startPause = 10 * time.Second, 5 * time.Millisecond
)

// awaitAnswers waits until CoreDNS answers wherever it listens. A listener of it that does not yet when it is told to stop goes on for
// ever, and answers from a Corefile of the past.
func (s *server) awaitAnswers() {
	ctx, stop := context.WithTimeout(context.Background(), startPatience)
	defer stop()
	for _, listener := range s.instance.Servers() {
		for transport, address := range map[string]string{"udp": listener.LocalAddr().String(), "tcp": listener.Addr().String()} {
			if err := awaitAnswer(ctx, transport, address); err != nil {
				s.log.Error(err, "DNS does not answer after it was started", "transport", transport, "address", address)
			}
		}
	}
}

// awaitAnswer asks until there is an answer, whatever it says. The question is of a version of EDNS that there is not: it is refused
// before any plugin sees it, and so nobody else is asked.
func awaitAnswer(ctx context.Context, transport, address string) error {
	question := new(dns.Msg).SetQuestion(".", dns.TypeNS).SetEdns0(dns.MinMsgSize, false)
	question.IsEdns0().SetVersion(1)
	client := dns.Client{Net: transport, Timeout: startPatience / 10}
	for {
		_, _, err := client.ExchangeContext(ctx, question, address)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startPause):
		}
	}
}
