using System.Text;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

public sealed class ConnectionFieldTests
{
    [Theory]
    [InlineData("keep-alive", "keep-alive")]
    [InlineData("X-Hop", "X-Hop")]
    [InlineData("close", "close, keep-alive")]
    [InlineData("Upgrade", "Upgrade, keep-alive")]
    [InlineData("keep-alive, Upgrade", "Upgrade, keep-alive")]
    [InlineData("Upgrade, X-Hop", "Upgrade, X-Hop, keep-alive")]
    [InlineData("X-Hop,close , ,X-Two", "X-Hop, close, X-Two, keep-alive")]
    [InlineData("Keep-Alive, X-Hop", "X-Hop")]
    [InlineData("keep-alive, keep-alive", "keep-alive")]
    [InlineData("", "")]
    public void Field_KeepsEveryNameInIt(string sent, string decoded)
        => Assert.Equal(decoded, ConnectionFieldEncoding.Instance.GetString(Encoding.Latin1.GetBytes(sent)));
}
