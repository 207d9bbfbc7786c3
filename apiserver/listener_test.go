package apiserver

import (
	"errors"
	"net"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// As where a server does not end in time, and is given up.
func TestWhoStillAcceptsWhenAnAddressIsGivenBackIsToldByCloseAlone(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	j := join(tcp)
	told := make(chan error)
	go func() {
		_, err := j.Accept()
		told <- err
	}()
	if err := j.leave(); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the address can be had by others", func() error {
		other, err := net.Listen("tcp", tcp.Addr().String())
		if err != nil {
			return err
		}
		return other.Close()
	})
	select {
	case err := <-told:
		t.Errorf("who accepts is told %v", err)
	default:
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if err := <-told; !errors.Is(err, net.ErrClosed) {
		t.Errorf("when it is closed, who accepts is told %v", err)
	}
}
