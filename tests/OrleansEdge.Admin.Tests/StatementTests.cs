using System.Net;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Tests;

public class StatementTests
{
    private const string Path = "/api/v1/tenants/bolt/statements/2026-11";
    private const string Json = "application/json";
    private const string Csv = "text/csv";

    [Theory]
    [InlineData("", null, Json)]
    [InlineData("", "*/*", Json)]
    [InlineData("", "application/json", Json)]
    [InlineData("", "application/*", Json)]
    [InlineData("", "APPLICATION/JSON;charset=UTF-8", Json)]
    [InlineData("", "text/csv", Csv)]
    [InlineData("", "Text/CSV; charset=utf-8", Csv)]
    [InlineData("", "text/*", Csv)]
    [InlineData("", "text/csv, application/json", Json)]
    [InlineData("", "text/csv, */*", Csv)]
    [InlineData("", "text/csv;q=0.9, application/json;q=0.8", Csv)]
    [InlineData("", "text/csv;q=0.8, application/json;q=0.9", Json)]
    [InlineData("", "application/json;q=0, */*", Csv)]
    [InlineData("", "*/*;q=0.5, application/json;q=0.1", Csv)]
    [InlineData("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Json)]
    [InlineData("", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", Json)]
    [InlineData("", "nonsense", Json)]
    [InlineData("?format=json", "text/csv", Json)]
    [InlineData("?format=csv", "application/json", Csv)]
    [InlineData("?format=csv", "image/png", Csv)]
    [InlineData("?format=", "text/csv", Csv)]
    public async Task Form_IsWhatTheCallerPrefers(string query, string? accept, string expected)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", Path + query, null, accept is null ? [] : [("Accept", accept)]);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(expected, answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal(["Accept"], answer.Headers.Vary);
    }

    [Theory]
    [InlineData("application/xml")]
    [InlineData("image/*")]
    [InlineData("*/*;q=0")]
    [InlineData("text/csv;q=0, application/json;q=0, */*")]
    [InlineData("text/csv;header=absent")]
    public async Task NoFormFits_406(string accept)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", Path, null, ("Accept", accept));

        Assert.Equal(HttpStatusCode.NotAcceptable, answer.StatusCode);
        Assert.Equal("not_acceptable", await answer.CodeAsync());
    }

    [Fact]
    public void RangesInSeveralHeaders_AreOneList()
        => Assert.Equal("text/csv", MediaPreference.Choose(new(["application/json;q=0.5", "text/csv"]), "application/json", "text/csv"));

    [Theory]
    [InlineData("CSV")]
    [InlineData("xml")]
    public async Task UnknownFormat_400(string format)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", $"{Path}?format={format}");

        Assert.Equal("parameter_invalid", await answer.CodeAsync());
        Assert.Equal("format is not json or csv.", (string)(await answer.JsonAsync())["detail"]!);
    }

    [Fact]
    public async Task Csv_IsAFileToBeSaved()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", Path + "?format=csv");

        Assert.Equal("attachment; filename=\"bolt-2026-11.csv\"", answer.Content.Headers.ContentDisposition!.ToString());
        Assert.Equal("text/csv; charset=utf-8; header=present", answer.Content.Headers.ContentType!.ToString());
        Assert.Contains("chat.example.com,websocket,USD,0.12,", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_HasMoneyAsTextAndNumbersWhole()
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", Path);

        Assert.Null(answer.Content.Headers.ContentDisposition);
        var line = (await answer.JsonAsync())["lines"]![0]!;
        Assert.Equal("""["0.12","0.60",5000000000]""", $"[{line["pricePerGB"]!.ToJsonString()},{line["amount"]!.ToJsonString()},{line["bytesUp"]}]");
        Assert.Equal(new UsageMonth(2026, 11), server.Control.Billing.LastMonth);
    }

    [Theory]
    [InlineData("2026-13")]
    [InlineData("2026-00")]
    [InlineData("2026-1")]
    [InlineData("2026")]
    [InlineData("2026-11-01")]
    [InlineData("1969-12")]
    [InlineData("9999-01")]
    [InlineData("november")]
    [InlineData("%202026-11")]
    public async Task WhatIsNoMonth_400(string month)
    {
        await using var server = await Requests.StartWithTenantAsync();

        var answer = await server.SendAsync("GET", $"/api/v1/tenants/bolt/statements/{month}");

        Assert.Equal("parameter_invalid", await answer.CodeAsync());
        Assert.Equal("month is not yyyy-MM, from 1970-01 to 9998-12.", (string)(await answer.JsonAsync())["detail"]!);
        Assert.Null(server.Control.Billing.LastMonth);
    }
}
