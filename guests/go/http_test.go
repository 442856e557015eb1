package hks

import (
	"encoding/json"
	"testing"
)

func TestRequest(t *testing.T) {
	var request Request
	text := `{"httpMethod": "POST", "path": "/a", "headers": {"content-type": "application/json"}, "queryStringParameters": null,
		"pathParameters": {"id": "7"}, "body": "eyJhIjoxfQ==", "isBase64Encoded": true, "requestContext": {"x": 1}}`
	if err := json.Unmarshal([]byte(text), &request); err != nil {
		t.Fatal(err)
	}
	var body struct{ A int }
	if err := request.JSON(&body); err != nil || body.A != 1 {
		t.Fatal(err, body)
	}
	if request.Header("Content-Type") != "application/json" || request.Header("x") != "" || request.PathParameters["id"] != "7" {
		t.Fatalf("%+v", request)
	}
	request.Body = "?"
	if err := request.JSON(&body); err == nil {
		t.Fatal("that is no base64")
	}
}

func TestResponse(t *testing.T) {
	json, err := JSON(201, map[string]string{"a": "<"})
	if err != nil || json.Body != `{"a":"<"}` || json.StatusCode != 201 {
		t.Fatal(json, err)
	}
	if _, err := JSON(200, make(chan int)); err == nil {
		t.Fatal("a channel is no JSON")
	}
	if bytes := Bytes(200, "image/png", []byte{0xff}); !bytes.IsBase64Encoded || bytes.Body != "/w==" {
		t.Fatal(bytes)
	}
	if text := Text(404, "no"); text.IsBase64Encoded || text.Body != "no" {
		t.Fatal(text)
	}
}
