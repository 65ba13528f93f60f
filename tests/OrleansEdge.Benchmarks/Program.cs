using System.Globalization;
using OrleansEdge.Benchmarks;

switch (args)
{
    case ["ledger", .. var sizes] when sizes.Length <= 2:
        var numbers = Array.ConvertAll(sizes, static size => int.Parse(size, CultureInfo.InvariantCulture));
        await LedgerBenchmark.RunAsync(numbers.ElementAtOrDefault(0) is > 0 and var domains ? domains : 10_000, numbers.ElementAtOrDefault(1) is > 0 and var days ? days : 30);
        return 0;
    case ["metering"]:
        MeteringBenchmark.Run(additions: 2_000_000);
        return 0;
    default:
        await Console.Error.WriteLineAsync("usage: OrleansEdge.Benchmarks ledger [DOMAINS [DAYS]] | metering");
        return 2;
}
