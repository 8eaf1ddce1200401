// Command sevapply makes a libvirt domain right for SEV, or says what this host can do, with libvirtsev through cgo:
//
//	go build -o sevapply .
//	./sevapply apply guest.xml security.sev=true
//	./sevapply host
package main

/*
#cgo pkg-config: virtsev
#include <stdlib.h>
#include <virtsev.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"
)

// Error is why a call failed: for programs Code and Name, for people Message and Hint.
type Error struct {
	Code                int
	Name, Message, Hint string
}

func (e *Error) Error() string { return e.Name + ": " + e.Message }

// taken makes a Go error of the library's, which it frees; nil where there is none.
func taken(err *C.virtsev_error) error {
	if err == nil {
		return nil
	}
	defer C.virtsev_error_free(err)
	return &Error{
		Code:    int(C.virtsev_error_code(err)),
		Name:    C.GoString(C.virtsev_error_name(err)),
		Message: C.GoString(C.virtsev_error_message(err)),
		Hint:    C.GoString(C.virtsev_error_hint(err)), // "" for NULL
	}
}

// text copies a string of the library and frees it.
func text(s *C.char) string {
	defer C.virtsev_string_free(s)
	return C.GoString(s)
}

// Config is what is wanted of a guest.
type Config struct{ handle *C.virtsev_config }

// NewConfig makes one without keys. Close frees it.
func NewConfig() *Config { return &Config{C.virtsev_config_new()} }

// Close frees it.
func (c *Config) Close() { C.virtsev_config_free(c.handle) }

// Set sets a key.
func (c *Config) Set(key, value string) error {
	k, v := C.CString(key), C.CString(value)
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	var err *C.virtsev_error
	C.virtsev_config_set(c.handle, k, v, &err)
	return taken(err)
}

// Apply gives the domain as it should be.
func (c *Config) Apply(domain string) (string, error) {
	xml := C.CString(domain)
	defer C.free(unsafe.Pointer(xml))
	var out *C.char
	var err *C.virtsev_error
	if C.virtsev_apply(c.handle, xml, &out, &err) != 0 {
		return "", taken(err)
	}
	return text(out), nil
}

// Host says what this machine can do, as JSON.
func Host() (string, error) {
	var json *C.char
	var err *C.virtsev_error
	if C.virtsev_host(nil, &json, &err) != 0 {
		return "", taken(err)
	}
	return text(json), nil
}

func apply(file string, keys []string) (string, error) {
	domain, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	config := NewConfig()
	defer config.Close()
	for _, word := range keys {
		key, value, _ := strings.Cut(word, "=")
		if err := config.Set(key, value); err != nil {
			return "", err
		}
	}
	return config.Apply(string(domain))
}

func main() {
	var out string
	var err error
	switch args := os.Args[1:]; {
	case len(args) >= 2 && args[0] == "apply":
		out, err = apply(args[1], args[2:])
	case len(args) == 1 && args[0] == "host":
		out, err = Host()
	default:
		fmt.Fprintln(os.Stderr, "usage: sevapply apply DOMAIN.xml [KEY=VALUE]... | sevapply host")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		var failed *Error
		if errors.As(err, &failed) && failed.Hint != "" {
			fmt.Fprintln(os.Stderr, failed.Hint)
		}
		os.Exit(1)
	}
	fmt.Print(out)
	if left := C.virtsev_handle_count(); left != 0 {
		fmt.Fprintln(os.Stderr, left, "handles were not freed")
		os.Exit(1)
	}
}
