using System.Text;

namespace OrleansEdge.Model.Tests;

public class DomainDocumentTests
{
    private static readonly DocumentLimits Limits = new();

    [Fact]
    public void OnlyRequiredMembers_RestHasTheDefaultsOfTheContract()
    {
        var config = Accept("""{ "domain": "chat.example.com", "tenant": "acme", "origins": [ { "address": "10.0.0.5" } ] }""");

        Assert.Equal(
            """
            {
              "domain": "chat.example.com",
              "tenant": "acme",
              "acceleration": "dynamic",
              "webSocket": {
                "enabled": true,
                "timeoutSeconds": 60,
                "originProtocol": "follow",
                "idleCounts": "frames",
                "pingSeconds": 0,
                "maxSessionSeconds": 0,
                "maxConnections": 0,
                "handshakesPerSecond": 0,
                "maxMessageBytes": 0,
                "protocol": "strict",
                "originLostCode": 1014
              },
              "origins": [
                {
                  "address": "10.0.0.5",
                  "httpPort": 80,
                  "httpsPort": 443,
                  "weight": 1
                }
              ],
              "hostHeader": null,
              "originTls": {
                "serverName": null,
                "verify": true
              },
              "access": {
                "allowedOrigins": [],
                "allowedAddresses": [],
                "deniedAddresses": []
              }
            }

            """,
            Encoding.UTF8.GetString(DomainDocument.Write(config)));
    }

    [Fact]
    public void EveryMemberSet_IsReadAsWritten()
    {
        var config = Accept(
            """
            { "domain": "*.example.com", "tenant": "acme", "acceleration": "full",
              "webSocket": { "enabled": false, "timeoutSeconds": 0, "originProtocol": "https", "idleCounts": "messages", "pingSeconds": 7,
                "maxSessionSeconds": 8, "maxConnections": 9, "handshakesPerSecond": 10, "maxMessageBytes": 9007199254740991,
                "protocol": "transparent", "originLostCode": 1011 },
              "origins": [ { "address": "[::1]", "httpPort": 1, "httpsPort": 65535, "weight": 1000 }, { "address": "Origin.Example." } ],
              "hostHeader": "Inner.Example:8080", "originTls": { "serverName": "TLS.example", "verify": false },
              "access": { "allowedOrigins": ["https://a.example", "null"], "allowedAddresses": ["10.0.0.0/8"], "deniedAddresses": ["10.1.2.3", "2001:db8::/32"] } }
            """);

        var expected = new DomainConfig
        {
            Domain = "*.example.com",
            Tenant = "acme",
            Acceleration = Acceleration.Full,
            WebSocket = new()
            {
                Enabled = false,
                TimeoutSeconds = 0,
                OriginProtocol = OriginProtocol.Https,
                IdleCounts = IdleCounts.Messages,
                PingSeconds = 7,
                MaxSessionSeconds = 8,
                MaxConnections = 9,
                HandshakesPerSecond = 10,
                MaxMessageBytes = 9_007_199_254_740_991,
                Protocol = ProtocolPolicing.Transparent,
                OriginLostCode = 1011,
            },
            Origins = [new() { Address = "[::1]", HttpPort = 1, HttpsPort = 65535, Weight = 1000 }, new() { Address = "origin.example" }],
            HostHeader = "inner.example:8080",
            OriginTls = new() { ServerName = "tls.example", Verify = false },
            Access = new() { AllowedOrigins = ["https://a.example", "null"], AllowedAddresses = ["10.0.0.0/8"], DeniedAddresses = ["10.1.2.3", "2001:db8::/32"] },
        };
        Assert.Equal(expected, config);
    }

    [Theory]
    [InlineData("static", false)]
    [InlineData("dynamic", true)]
    [InlineData("full", true)]
    public void EnabledLeftOut_FollowsAcceleration(string acceleration, bool enabled)
        => Assert.Equal(enabled, Accept(With($"\"acceleration\": \"{acceleration}\"")).WebSocket.Enabled);

    [Theory]
    [InlineData("webSocket.enabled", "WebSocket can be on only where acceleration is dynamic or full", "\"acceleration\": \"static\", \"webSocket\": { \"enabled\": true }")]
    [InlineData("webSocket.enabled", "must be true or false, not a string", "\"webSocket\": { \"enabled\": \"true\" }")]
    [InlineData("webSocket.timeoutSeconds", "301 is over 300", "\"webSocket\": { \"timeoutSeconds\": 301 }")]
    [InlineData("webSocket.timeoutSeconds", "-1 is under 0", "\"webSocket\": { \"timeoutSeconds\": -1 }")]
    [InlineData("webSocket.timeoutSeconds", "1.5 is not a whole number", "\"webSocket\": { \"timeoutSeconds\": 1.5 }")]
    [InlineData("webSocket.timeoutSeconds", "1e400 is over 300", "\"webSocket\": { \"timeoutSeconds\": 1e400 }")]
    [InlineData("webSocket.timeoutSeconds", "-1e400 is under 0", "\"webSocket\": { \"timeoutSeconds\": -1e400 }")]
    [InlineData("webSocket.timeoutSeconds", "1e-400 is not a whole number", "\"webSocket\": { \"timeoutSeconds\": 1e-400 }")]
    [InlineData("webSocket.timeoutSeconds", "59.99999999999999999999999999999999999 is not a whole number", "\"webSocket\": { \"timeoutSeconds\": 59.99999999999999999999999999999999999 }")]
    [InlineData("webSocket.timeoutSeconds", "must be a whole number, not a string", "\"webSocket\": { \"timeoutSeconds\": \"60\" }")]
    [InlineData("webSocket.timeoutSeconds", "must be a whole number, not null", "\"webSocket\": { \"timeoutSeconds\": null }")]
    [InlineData("webSocket.originProtocol", "\"HTTP\" is not one of follow, http, https", "\"webSocket\": { \"originProtocol\": \"HTTP\" }")]
    [InlineData("webSocket.originProtocol", "must be a string, not a number", "\"webSocket\": { \"originProtocol\": 1 }")]
    [InlineData("webSocket.idleCounts", "\"pings\" is not one of frames, messages", "\"webSocket\": { \"idleCounts\": \"pings\" }")]
    [InlineData("webSocket.pingSeconds", "86401 is over 86400", "\"webSocket\": { \"pingSeconds\": 86401 }")]
    [InlineData("webSocket.maxSessionSeconds", "2592001 is over 2592000", "\"webSocket\": { \"maxSessionSeconds\": 2592001 }")]
    [InlineData("webSocket.maxConnections", "-5 is under 0", "\"webSocket\": { \"maxConnections\": -5 }")]
    [InlineData("webSocket.handshakesPerSecond", "10000001 is over 10000000", "\"webSocket\": { \"handshakesPerSecond\": 10000001 }")]
    [InlineData("webSocket.maxMessageBytes", "9007199254740992 is over 9007199254740991", "\"webSocket\": { \"maxMessageBytes\": 9007199254740992 }")]
    [InlineData("webSocket.protocol", "\"loose\" is not one of strict, transparent", "\"webSocket\": { \"protocol\": \"loose\" }")]
    [InlineData("webSocket.originLostCode", "1000 is neither 1014 nor 1011", "\"webSocket\": { \"originLostCode\": 1000 }")]
    [InlineData("webSocket.compress", "is not a member that is known here", "\"webSocket\": { \"compress\": true }")]
    [InlineData("webSocket.timeoutseconds", "is not a member that is known here: write \"timeoutSeconds\"", "\"webSocket\": { \"timeoutseconds\": 3 }")]
    [InlineData("webSocket", "must be an object, not true or false", "\"webSocket\": true")]
    [InlineData("webSocket", "must be an object, not null", "\"webSocket\": null")]
    [InlineData("acceleration", "\"Dynamic\" is not one of dynamic, full, static", "\"acceleration\": \"Dynamic\"")]
    [InlineData("hostHeader", "is empty: write null to send the host that the client asked for", "\"hostHeader\": \"\"")]
    [InlineData("hostHeader", "\"a.example:0\": the port is a whole number from 1 to 65535", "\"hostHeader\": \"a.example:0\"")]
    [InlineData("hostHeader", "\"a.example:65536\": the port is a whole number from 1 to 65535", "\"hostHeader\": \"a.example:65536\"")]
    [InlineData("hostHeader", "\"::1\": an IPv6 address stands in brackets here", "\"hostHeader\": \"::1\"")]
    [InlineData("hostHeader", "\"http://a.example\" is not a host name: leave out the scheme", "\"hostHeader\": \"http://a.example\"")]
    [InlineData("hostHeader", "\"a b\" is not a host name: it holds ' '", "\"hostHeader\": \"a b\"")]
    [InlineData("hostHeader", "\"*.a.example\" is not a host name: it holds '*'", "\"hostHeader\": \"*.a.example\"")]
    [InlineData("hostHeader", "must be a string, not true or false", "\"hostHeader\": false")]
    [InlineData("originTls.serverName", "\"10.0.0.1\" is an IP address, and SNI carries only DNS names (RFC 6066 section 3)", "\"originTls\": { \"serverName\": \"10.0.0.1\" }")]
    [InlineData("originTls.serverName", "is empty: write null for the Host sent to the origin", "\"originTls\": { \"serverName\": \"\" }")]
    [InlineData("originTls.serverName", "\"a..b\" is not a host name: a label between two dots is empty", "\"originTls\": { \"serverName\": \"a..b\" }")]
    [InlineData("originTls.verify", "must be true or false, not null", "\"originTls\": { \"verify\": null }")]
    [InlineData("originTls.ca", "is not a member that is known here", "\"originTls\": { \"ca\": \"x\" }")]
    [InlineData("access.allowedOrigins", "must be an array, not a string", "\"access\": { \"allowedOrigins\": \"https://a.example\" }")]
    [InlineData("access.allowedOrigins[1]", "must be a string, not a number", "\"access\": { \"allowedOrigins\": [\"https://a.example\", 1] }")]
    [InlineData("access.allowedOrigins[0]", "leave the list empty to let in every origin", "\"access\": { \"allowedOrigins\": [\"*\"] }")]
    [InlineData("access.allowedAddresses[0]", "\"10.0.0.0/33\": the length of the prefix is a whole number from 0 to 32", "\"access\": { \"allowedAddresses\": [\"10.0.0.0/33\"] }")]
    [InlineData("access.deniedAddresses[0]", "\"localhost\" is neither an IP address nor a network such as 10.0.0.0/8", "\"access\": { \"deniedAddresses\": [\"localhost\"] }")]
    [InlineData("access.rules", "is not a member that is known here", "\"access\": { \"rules\": [] }")]
    [InlineData("cache", "is not a member that is known here", "\"cache\": {}")]
    [InlineData("hostHeader", "is there twice", "\"hostHeader\": null, \"hostHeader\": null")]
    [InlineData("hostHeader", "is not text: an escape is half of a surrogate pair", "\"hostHeader\": \"\\ud800\"")]
    [InlineData("", "has a member whose name is not text: an escape is half of a surrogate pair", "\"\\ud800\": 1")]
    public void OneFault_IsNamedWithItsPath(string path, string message, string members)
        => Assert.Equal([new ConfigError(path, message)], Refuse(With(members)));

    [Theory]
    [InlineData("origins", "is missing", "")]
    [InlineData("origins", "is empty: at least one is needed", ", \"origins\": []")]
    [InlineData("origins", "must be an array, not an object", ", \"origins\": {}")]
    [InlineData("origins[0]", "must be an object, not a string", ", \"origins\": [\"10.0.0.5\"]")]
    [InlineData("origins[0].address", "is missing", ", \"origins\": [{}]")]
    [InlineData("origins[0].address", "is empty", ", \"origins\": [{ \"address\": \"\" }]")]
    [InlineData("origins[0].address", "must be a string, not null", ", \"origins\": [{ \"address\": null }]")]
    [InlineData("origins[0].address", "\"ws://a.example\" has a scheme: write the name or IP address alone, and choose the protocol by webSocket.originProtocol", ", \"origins\": [{ \"address\": \"ws://a.example\" }]")]
    [InlineData("origins[0].address", "\"a.example:81\" is not a host name: leave out the port and write it as httpPort or httpsPort", ", \"origins\": [{ \"address\": \"a.example:81\" }]")]
    [InlineData("origins[0].address", "\"[::1]:81\" is not a host name: leave out the port and write it as httpPort or httpsPort", ", \"origins\": [{ \"address\": \"[::1]:81\" }]")]
    [InlineData("origins[0].address", "\"a.example/x\" is not a host name: leave out the path", ", \"origins\": [{ \"address\": \"a.example/x\" }]")]
    [InlineData("origins[0].address", "\"1.2.3\" is neither an IPv4 address nor a host name", ", \"origins\": [{ \"address\": \"1.2.3\" }]")]
    [InlineData("origins[1].httpPort", "0 is under 1", ", \"origins\": [{ \"address\": \"a\" }, { \"address\": \"b\", \"httpPort\": 0 }]")]
    [InlineData("origins[0].httpsPort", "65536 is over 65535", ", \"origins\": [{ \"address\": \"a\", \"httpsPort\": 65536 }]")]
    [InlineData("origins[0].weight", "1001 is over 1000", ", \"origins\": [{ \"address\": \"a\", \"weight\": 1001 }]")]
    [InlineData("origins[0].port", "is not a member that is known here", ", \"origins\": [{ \"address\": \"a\", \"port\": 80 }]")]
    public void FaultOfOrigins_IsNamedWithItsPath(string path, string message, string origins)
        => Assert.Equal([new ConfigError(path, message)], Refuse($$"""{ "domain": "chat.example.com", "tenant": "acme"{{origins}} }"""));

    [Theory]
    [InlineData("domain", "is missing", "\"tenant\": \"acme\"")]
    [InlineData("domain", "is empty", "\"domain\": \"\", \"tenant\": \"acme\"")]
    [InlineData("domain", "\"chat.example.com:8080\" is not a host name: leave out the port", "\"domain\": \"chat.example.com:8080\", \"tenant\": \"acme\"")]
    [InlineData("tenant", "is missing", "\"domain\": \"chat.example.com\"")]
    [InlineData("tenant", "is empty", "\"domain\": \"chat.example.com\", \"tenant\": \"\"")]
    [InlineData("tenant", "\"Acme\" is not an id: a-z, 0-9, - and _, beginning with a letter or a digit", "\"domain\": \"chat.example.com\", \"tenant\": \"Acme\"")]
    public void FaultOfWhoItIs_IsNamedWithItsPath(string path, string message, string members)
        => Assert.Equal([new ConfigError(path, message)], Refuse($$"""{ {{members}}, "origins": [ { "address": "a" } ] }"""));

    [Theory]
    [InlineData("", "line 1, byte 1: ")]
    [InlineData("{", "line 1, byte 2: ")]
    [InlineData("{\n  \"domain\": x }", "line 2, byte 13: ")]
    [InlineData("{ \"domain\": \"a\", }", "line 1, byte 18: ")]
    [InlineData("{} {}", "line 1, byte 4: ")]
    [InlineData("{} // comment", "line 1, byte 4: ")]
    [InlineData("\uFEFF{}", "line 1, byte 1: the document begins with a byte-order mark: leave it out")]
    [InlineData("[]", "must be an object, not an array")]
    [InlineData("null", "must be an object, not null")]
    [InlineData("{ \"a\": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]] }", "line 1, byte ")]
    public void NoObjectOfJson_OneFaultForTheWhole(string json, string messageStart)
    {
        var fault = Assert.Single(Refuse(json));

        Assert.Equal("", fault.Path);
        Assert.StartsWith(messageStart, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("BytePosition", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BytesThatAreNotUtf8_OneFaultForTheWhole()
    {
        var fault = Assert.Single(DomainDocument.Parse(new byte[] { (byte)'{', 0xFF, (byte)'}' }, Limits).Errors);

        Assert.Equal(new("", "the document is not UTF-8"), fault);
    }

    [Fact]
    public void ManyFaults_AllAreNamedInTheOrderOfTheDocument()
    {
        var faults = Refuse(
            """
            { "extra": 1, "webSocket": { "pingSeconds": -1, "timeoutSeconds": 999 }, "domain": "a b",
              "origins": [ { "weight": 0 }, 7 ], "access": { "deniedAddresses": [ "x" ] } }
            """);

        Assert.Equal(
            ["extra", "webSocket.pingSeconds", "webSocket.timeoutSeconds", "domain", "origins[0].weight", "origins[1]", "access.deniedAddresses[0]", "tenant", "origins[0].address"],
            faults.Select(fault => fault.Path));
    }

    [Fact]
    public void NameAndTenantThatDoNotFit_AreNamedBesideTheOtherFaults()
    {
        var json = Encoding.UTF8.GetBytes(With("\"webSocket\": { \"timeoutSeconds\": 301 }"));

        var result = DomainDocument.Parse(json, Limits, "other.example.com", tenant => tenant != "acme");

        Assert.Equal(
            [
                new("domain", "\"chat.example.com\" is not the name under which the document stands, \"other.example.com\""),
                new("tenant", "there is no tenant \"acme\""),
                new("webSocket.timeoutSeconds", "301 is over 300"),
            ],
            result.Errors);
    }

    [Theory]
    [InlineData("Chat.Example.COM.")]
    [InlineData("chat.example.com")]
    public void NameInAnotherForm_IsTheSameName(string name)
        => Assert.NotNull(DomainDocument.Parse(Encoding.UTF8.GetBytes(With("\"hostHeader\": null")), Limits, name, _ => true).Value);

    [Fact]
    public void WiderLimit_LetsLongerTimeoutIn()
    {
        var json = Encoding.UTF8.GetBytes(With("\"webSocket\": { \"timeoutSeconds\": 86400 }"));

        Assert.Equal(86400, DomainDocument.Parse(json, new() { MaxTimeoutSeconds = 86400 }).Value!.WebSocket.TimeoutSeconds);
        Assert.Null(DomainDocument.Parse(json, Limits).Value);
    }

    [Fact]
    public void TooManyItems_OneFaultForTheList()
    {
        var origins = string.Join(',', Enumerable.Repeat("\"https://a.example\"", 1001));

        Assert.Equal(
            [new("access.allowedOrigins", "has 1001 items, 1000 is the most")],
            Refuse(With($"\"access\": {{ \"allowedOrigins\": [{origins}] }}")));
    }

    [Theory]
    [InlineData("60.0", 60)]
    [InlineData("6e1", 60)]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    public void WholeNumberInAnotherForm_IsRead(string written, int seconds)
        => Assert.Equal(seconds, Accept(With($"\"webSocket\": {{ \"timeoutSeconds\": {written} }}")).WebSocket.TimeoutSeconds);

    internal static string With(string members)
        => $$"""{ "domain": "chat.example.com", "tenant": "acme", "origins": [ { "address": "a" } ], {{members}} }""";

    private static DomainConfig Accept(string json)
    {
        var result = DomainDocument.Parse(Encoding.UTF8.GetBytes(json), Limits);
        Assert.Empty(result.Errors);
        return result.Value!;
    }

    private static IReadOnlyList<ConfigError> Refuse(string json)
    {
        var result = DomainDocument.Parse(Encoding.UTF8.GetBytes(json), Limits);
        Assert.Null(result.Value);
        return result.Errors;
    }
}
