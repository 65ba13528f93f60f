using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>The statement of the month that runs, as the API gives it.</summary>
public sealed class Statements
{
    private const decimal Price = 999.99m;
    private const decimal GB = 1_000_000_000m;

    [Fact]
    public async Task StatementOfThisMonth_SaysWhatPassedAndComesOutTheSameTwice()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = MeteredEdge.NewTenant();
        await edge.Admin.PutTenantAsync(tenant, payAsYouGo: true, price: Price.ToString(CultureInfo.InvariantCulture));
        await using var domain = await MeteredDomain.CreateAsync(edge, Way.Http1, tenant);
        await edge.Admin.BuyPlanAsync(tenant, "websocket", 1_000_000);
        await edge.Admin.BuyPlanAsync(tenant, "http", 1_000_000);
        await using var session = await domain.OpenAsync(new Random(1));
        await session.Client.PlayAsync(new TrafficScript(new(2), WsFrame.ClientKey).Messages(40, TrafficScript.MaxMessage, TrafficScript.MaxMessage));
        await session.QuietAsync();
        await session.CloseAsync();
        var billed = Tally.Of(await session.CloseLineAsync());
        await edge.Admin.WaitForExactUsageAsync(tenant, domain.Name, billed, MeteredEdge.Eventually);

        var path = $"/api/v1/tenants/{tenant}/statements/{DateTime.UtcNow:yyyy-MM}";
        var json = await edge.Admin.GetBytesAsync(path);
        var csv = await edge.Admin.GetBytesAsync(path, "text/csv");
        Assert.Equal(json, await edge.Admin.GetBytesAsync(path));
        Assert.Equal(csv, await edge.Admin.GetBytesAsync(path, "text/csv"));
        AssertLine(JsonDocument.Parse(json).RootElement, domain.Name, billed);
        Assert.Contains(Encoding.UTF8.GetString(csv).Split("\r\n"), line => line.Contains(domain.Name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task StatementOfAMonthToComeOrOfNobody_IsNotFound()
    {
        var edge = await MeteredEdge.GetAsync();
        var tenant = await MeteredEdge.NewTenantAsync(edge);
        Assert.Equal(HttpStatusCode.NotFound, await edge.Admin.GetStatusAsync($"/api/v1/tenants/{tenant}/statements/{DateTime.UtcNow.AddMonths(2):yyyy-MM}"));
        Assert.Equal(HttpStatusCode.NotFound, await edge.Admin.GetStatusAsync($"/api/v1/tenants/nobody-at-all/statements/{DateTime.UtcNow:yyyy-MM}"));
    }

    private static void AssertLine(JsonElement statement, string domain, Tally billed)
    {
        Assert.Equal("open", statement.GetProperty("state").GetString());
        var lines = statement.GetProperty("lines").EnumerateArray().Where(line => line.GetProperty("domain").GetString() == domain).ToList();
        Assert.Equal("websocket", Assert.Single(lines).GetProperty("kind").GetString());
        Assert.Equal(billed.BytesUp, lines[0].GetProperty("bytesUp").GetInt64());
        Assert.Equal(billed.BytesDown, lines[0].GetProperty("bytesDown").GetInt64());
        Assert.Equal(billed.MessagesUp, lines[0].GetProperty("messagesUp").GetInt64());
        Assert.Equal(1, lines[0].GetProperty("sessions").GetInt64());
        Assert.Equal(1_000_000, lines[0].GetProperty("planBytes").GetInt64());
        var rest = billed.BytesUp + billed.BytesDown - 1_000_000;
        Assert.Equal(rest, lines[0].GetProperty("billableBytes").GetInt64());
        var amount = Math.Round(rest * Price / GB, 2, MidpointRounding.ToEven);
        Assert.Equal(amount, decimal.Parse(lines[0].GetProperty("amount").GetString()!, CultureInfo.InvariantCulture));
        Assert.True(amount > 1, $"{amount} proves little");
        var total = Assert.Single(statement.GetProperty("totals").EnumerateArray());
        Assert.Equal(amount, decimal.Parse(total.GetProperty("amount").GetString()!, CultureInfo.InvariantCulture));
    }
}
