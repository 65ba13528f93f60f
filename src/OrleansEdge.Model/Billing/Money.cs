namespace OrleansEdge.Model;

/// <summary>What bytes cost. Exact: whole numbers of 10^-18 of a currency until the one rounding at the end.</summary>
public static class Money
{
    private const int UsualMinorDigits = 2;

    // Bytes are priced by 10^9 of them, and prices have at most 9 digits after the point: together 18.
    private const int ExactDigits = 18;
    private const decimal PriceUnits = 1_000_000_000m;
    private const decimal HighestPrice = 999_999_999.999_999_999m;

    /// <summary>Digits of a currency's minor unit: 0, 2, 3 or 4. Codes that are not in ISO 4217 have 2.</summary>
    public static int MinorDigits(string currency) => currency switch
    {
        "BIF" or "CLP" or "DJF" or "GNF" or "ISK" or "JPY" or "KMF" or "KRW" or "PYG" => 0,
        "RWF" or "UGX" or "UYI" or "VND" or "VUV" or "XAF" or "XOF" or "XPF" => 0,
        "BHD" or "IQD" or "JOD" or "KWD" or "LYD" or "OMR" or "TND" => 3,
        "CLF" or "UYW" => 4,
        _ => UsualMinorDigits,
    };

    /// <summary>Bytes at a price, rounded half to even to the currency's minor unit, with all its digits.</summary>
    /// <param name="bytes">From 0; every <see langword="long"/> fits.</param>
    /// <param name="pricePerGB">Price of 10^9 bytes: 0 to 999999999.999999999, at most 9 digits after the point.</param>
    /// <param name="currency">ISO 4217 code.</param>
    public static decimal Amount(long bytes, decimal pricePerGB, string currency)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfNegative(pricePerGB);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pricePerGB, HighestPrice);
        var price = pricePerGB * PriceUnits;
        if (decimal.Truncate(price) != price)
        {
            throw new ArgumentException($"{pricePerGB} has more than 9 digits after the point.", nameof(pricePerGB));
        }

        // At most 2^63 * 10^18, which is less than 2^123.
        var exact = (Int128)bytes * (Int128)price;
        var digits = MinorDigits(currency);
        var minor = RoundHalfToEven(exact, PowerOf10(ExactDigits - digits));
        return ToDecimal(minor, digits);
    }

    private static Int128 RoundHalfToEven(Int128 value, Int128 unit)
    {
        var (whole, rest) = Int128.DivRem(value, unit);
        var twice = rest * 2;
        return twice > unit || (twice == unit && Int128.IsOddInteger(whole)) ? whole + 1 : whole;
    }

    // At most 2^63 * 10^4, which is less than the 2^96 of a decimal.
    private static decimal ToDecimal(Int128 units, int digits)
    {
        var bits = (UInt128)units;
        return new((int)(uint)bits, (int)(uint)(bits >> 32), (int)(uint)(bits >> 64), isNegative: false, (byte)digits);
    }

    private static Int128 PowerOf10(int exponent)
    {
        Int128 power = 1;
        for (; exponent > 0; exponent--)
        {
            power *= 10;
        }

        return power;
    }
}
