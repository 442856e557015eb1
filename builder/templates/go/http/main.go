// Greets whoever the path names.
package main

import (
	"fmt"

	"hks"
)

func main() {
	hks.Handle(func(ctx hks.Context, request hks.Request) (hks.Response, error) {
		greeting := request.QueryStringParameters["greeting"]
		if greeting == "" {
			greeting = "Hello"
		}
		response := hks.Text(200, fmt.Sprintf("%s, %s!", greeting, request.PathParameters["name"]))
		response.Headers["cache-control"] = "no-store"
		return response, nil
	})
}
