using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Relay.Admission;
using Xunit;

namespace OrleansEdge.Relay.Tests.Origins;

public sealed class RefusalResponseTests
{
    [Fact]
    public async Task Refusal_IsAProblemWithProxyStatus()
    {
        var (context, body) = await WriteAsync("GET", Refusal.OriginRefused, null);
        Assert.Equal(502, context.Response.StatusCode);
        Assert.Equal("application/problem+json", context.Response.ContentType);
        Assert.Equal("OrleansEdge; error=connection_refused", context.Response.Headers["Proxy-Status"]);
        Assert.Equal("no-store", context.Response.Headers.CacheControl);
        Assert.False(context.Response.Headers.ContainsKey("Retry-After"));
        using var json = JsonDocument.Parse(body);
        Assert.Equal(
            """{"type":"urn:orleansedge:problem:origin_refused","title":"The origin refused the connection.","status":502,"code":"origin_refused","detail":"Connection refused."}""",
            json.RootElement.GetRawText());
    }

    [Theory]
    [InlineData(429, 2.1, "3")]
    [InlineData(503, 0.0, "1")]
    [InlineData(503, null, "1")]
    public async Task RetryAfter_IsInWholeSeconds(int status, double? seconds, string expected)
    {
        var refusal = Refusal.Draining with { Status = status };
        var (context, _) = await WriteAsync("GET", refusal, seconds is { } value ? TimeSpan.FromSeconds(value) : null);
        Assert.Equal(expected, context.Response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Head_HasNoBody()
    {
        var (context, body) = await WriteAsync("HEAD", Refusal.DomainUnknown, null);
        Assert.Equal(404, context.Response.StatusCode);
        Assert.Empty(body);
        Assert.True(context.Response.ContentLength > 0);
    }

    private static async Task<(HttpContext Context, byte[] Body)> WriteAsync(string method, Refusal refusal, TimeSpan? retryAfter)
    {
        var context = new DefaultHttpContext();
        using var body = new MemoryStream();
        context.Request.Method = method;
        context.Response.Body = body;
        await RefusalResponse.WriteAsync(context, refusal, "Connection refused.", retryAfter);
        return (context, body.ToArray());
    }
}
