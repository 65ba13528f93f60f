using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using OrleansEdge.Admin.Access;

namespace OrleansEdge.Admin.Tests;

public class AccessTests
{
    private const string Path = "/api/v1/gateways";
    private static readonly (string, string)[] Keys = [("ci", "first-key"), ("anna", "zweiter-schlüssel")];

    [Theory]
    [InlineData("/api/v1/gateways")]
    [InlineData("/api/v1/none")]
    [InlineData("/openapi/v1.json")]
    public async Task NoKeySent_401(string path)
    {
        await using var server = await AdminServer.StartAsync(Keys);

        var answer = await server.SendAsync("GET", path);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        Assert.Equal("unauthorized", await answer.CodeAsync());
    }

    [Theory]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer first-key2")]
    [InlineData("Bearer First-key")]
    [InlineData("Bearer ")]
    [InlineData("Bearer")]
    [InlineData("Basic first-key")]
    [InlineData("first-key")]
    public async Task WrongKey_401(string authorization)
    {
        await using var server = await AdminServer.StartAsync(Keys);

        var answer = await server.SendAsync("GET", Path, null, ("Authorization", authorization));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task HashSentAsKey_401()
    {
        await using var server = await AdminServer.StartAsync(Keys);

        var answer = await server.SendAsync("GET", Path, null, ("Authorization", "Bearer " + AdminServer.Sha256("first-key")));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task TwoAuthorizationHeaders_401()
    {
        await using var server = await AdminServer.StartAsync(Keys);

        var answer = await server.SendRawAsync(
            $"GET {Path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\nAuthorization: Bearer first-key\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 401", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("first-key", "ci")]
    [InlineData("zweiter-schlüssel", "anna")]
    public async Task KnownKey_ActsUnderItsName(string key, string name)
    {
        await using var server = await AdminServer.StartAsync(Keys);

        var answer = await server.SendRawAsync(
            $"DELETE /api/v1/sessions/s1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: bearer {key}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 204", answer, StringComparison.Ordinal);
        Assert.Equal(name, Assert.Single(server.Control.Audit).By);
    }

    [Fact]
    public async Task KnownKeyFromElsewhere_LetInWithoutCors()
    {
        await using var server = await AdminServer.StartAsync(Keys, peer: "203.0.113.9");

        var answer = await server.SendAsync("GET", Path, null, ("Authorization", "Bearer first-key"), ("Host", "edge.example.com"), ("Origin", "https://console.example.com"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("Bearer first-key", 200)]
    [InlineData("Bearer wrong-key", 401)]
    public async Task Key_NeverLogged(string authorization, int status)
    {
        await using var server = await AdminServer.StartAsync(Keys);

        var answer = await server.SendAsync("GET", Path, null, ("Authorization", authorization));

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.NotEmpty(server.Log.Lines);
        Assert.DoesNotContain(server.Log.Lines, line => line.Text.Contains("-key", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Log.Lines, line => line.Text.Contains(AdminServer.Sha256("first-key"), StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("zweiter-schlüssel")]
    [InlineData("鍵-42")]
    public void KeyBeyondAscii_FoundHoweverTheServerDecodesHeaders(string key)
    {
        var options = new AdminOptions { Keys = [new() { Name = "anna", Sha256 = AdminServer.Sha256(key) }] };
        var keys = new AdminKeyRing(Microsoft.Extensions.Options.Options.Create(options));

        Assert.Equal("anna", keys.FindName(key));
        Assert.Equal("anna", keys.FindName(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(key))));
        Assert.Null(keys.FindName(key[1..]));
    }

    [Fact]
    public void KeyComparison_TakesConstantTimeOverAllKeys()
    {
        var calls = CallsOf(typeof(AdminKeyRing).GetMethod(nameof(AdminKeyRing.FindName))!);

        Assert.Contains(calls, call => call.DeclaringType == typeof(CryptographicOperations) && call.Name == nameof(CryptographicOperations.FixedTimeEquals));
        Assert.DoesNotContain(calls, call => call.Name is "op_Equality" or "Equals" or "SequenceEqual" or "SequenceCompareTo");
    }

    [Theory]
    [InlineData("127.0.0.1", "localhost", 200)]
    [InlineData("127.0.0.1", "localhost:8081", 200)]
    [InlineData("127.0.0.1", "LOCALHOST", 200)]
    [InlineData("127.0.0.1", "admin.localhost", 200)]
    [InlineData("127.0.0.1", "127.0.0.1:8081", 200)]
    [InlineData("127.8.9.10", "127.8.9.10", 200)]
    [InlineData("::1", "[::1]:8081", 200)]
    [InlineData("::ffff:127.0.0.1", "localhost", 200)]
    [InlineData("::ffff:127.9.9.9", "localhost", 200)]
    [InlineData("127.0.0.1", "evil.com", 403)]
    [InlineData("127.0.0.1", "localhost.evil.com", 403)]
    [InlineData("127.0.0.1", "127.0.0.1.evil.com", 403)]
    [InlineData("127.0.0.1", "evillocalhost", 403)]
    [InlineData("127.0.0.1", "10.0.0.1", 403)]
    [InlineData("127.0.0.1", "[fe80::1]", 403)]
    [InlineData("10.0.0.1", "localhost", 403)]
    [InlineData("::ffff:10.0.0.1", "localhost", 403)]
    [InlineData("fe80::1", "localhost", 403)]
    [InlineData("203.0.113.9", "edge.example.com", 403)]
    public async Task NoKeyConfigured_OnlyLoopbackPeersWithALoopbackHost(string peer, string host, int expected)
    {
        await using var server = await AdminServer.StartAsync(peer: peer);

        foreach (var path in new[] { Path, "/openapi/v1.json" })
        {
            var answer = await server.SendRawAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            Assert.StartsWith($"HTTP/1.1 {expected}", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task NoHostAtAll_403()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendRawAsync($"GET {Path} HTTP/1.0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Contains("\"caller_denied\"", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Origin: http://localhost:8081", 200)]
    [InlineData("Origin: HTTP://LOCALHOST:8081", 200)]
    [InlineData("Origin: http://localhost:8080", 403)]
    [InlineData("Origin: http://localhost", 403)]
    [InlineData("Origin: https://localhost:8081", 403)]
    [InlineData("Origin: http://127.0.0.1:8081", 403)]
    [InlineData("Origin: https://evil.com", 403)]
    [InlineData("Origin: null", 403)]
    [InlineData("Origin: ", 403)]
    [InlineData("Origin: http://localhost:8081\r\nOrigin: https://evil.com", 403)]
    [InlineData("Sec-Fetch-Site: same-origin", 200)]
    [InlineData("Sec-Fetch-Site: none", 200)]
    [InlineData("Sec-Fetch-Site: same-site", 403)]
    [InlineData("Sec-Fetch-Site: cross-site", 403)]
    [InlineData("X-Forwarded-For: 203.0.113.9", 403)]
    [InlineData("Forwarded: for=203.0.113.9", 403)]
    [InlineData("Via: 1.1 OrleansEdge", 403)]
    public async Task NoKeyConfigured_ForeignPagesAndForwardersAreRefused(string header, int expected)
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendRawAsync($"GET {Path} HTTP/1.1\r\nHost: localhost:8081\r\n{header}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {expected}", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefusedCaller_ChangesNothing()
    {
        await using var server = await AdminServer.StartAsync();

        var answer = await server.SendRawAsync("DELETE /api/v1/sessions/s1 HTTP/1.1\r\nHost: evil.com\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Empty(server.Control.Audit);
    }

    // Reads the operands of call and callvirt; other bytes that happen to look like them resolve to nothing or to no method.
    private static List<MethodBase> CallsOf(MethodInfo method)
    {
        var code = method.GetMethodBody()!.GetILAsByteArray()!;
        var calls = new List<MethodBase>();
        for (var i = 0; i + 4 < code.Length; i++)
        {
            if (code[i] is 0x28 or 0x6F && TryResolve(method.Module, BitConverter.ToInt32(code, i + 1)) is { } called)
            {
                calls.Add(called);
            }
        }

        return calls;
    }

    private static MethodBase? TryResolve(Module module, int token)
    {
        try
        {
            return module.ResolveMethod(token);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
