/// Points in time as RFC 3339 text, without Foundation.
public enum Timestamp {
    /// `2026-01-02T03:04:05.678901Z` of nanoseconds since 1970-01-01 UTC.
    public static func text(nanoseconds: UInt64) -> String {
        let seconds = Int(nanoseconds / 1_000_000_000)
        let (year, month, day) = date(days: seconds / 86_400)
        let rest = seconds % 86_400
        let micros = Int(nanoseconds % 1_000_000_000 / 1_000)
        return String(unsafeUninitializedCapacity: 27) { buffer in
            var writer = DigitWriter(buffer)
            writer.decimal(year, digits: 4)
            for (separator, number) in [("-", month), ("-", day), ("T", rest / 3600), (":", rest / 60 % 60), (":", rest % 60)] as [(Unicode.Scalar, Int)] {
                writer.byte(separator)
                writer.decimal(number, digits: 2)
            }
            writer.byte(".")
            writer.decimal(micros, digits: 6)
            writer.byte("Z")
            return writer.count
        }
    }

    /// The Gregorian date of a number of days since 1970-01-01, for dates from then on. Years are counted from 1 March, so
    /// that the leap day is a year's last.
    private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    // MARK: Reading

    /// Nanoseconds since 1970 of an RFC 3339 time from then on: `2026-01-02T03:04:05.678901Z`, `2026-01-02T05:04:05+02:00`. Nil for what is none.
    public static func nanoseconds(_ text: some StringProtocol) -> UInt64? {
        var rest = Array(text.utf8)[...]
        func number(_ digits: Int) -> Int? {
            guard rest.count >= digits else { return nil }
            var value = 0
            for byte in rest.prefix(digits) {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            rest = rest.dropFirst(digits)
            return value
        }
        func skip(_ bytes: String) -> Bool {
            guard let first = rest.first, bytes.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2), skip("Tt "), let hour = number(2), skip(":"), let minute = number(2),
            skip(":"), let second = number(2)
        else { return nil }
        // 60 is a leap second.
        guard year >= 1970, (1...12).contains(month), (1...daysInMonth(year, month)).contains(day), hour < 24, minute < 60, second <= 60 else { return nil }
        var fraction: UInt64 = 0
        if skip(".") {
            var digits = 0
            while let digit = number(1) {
                if digits < 9 { fraction = fraction * 10 + UInt64(digit) }
                digits += 1
            }
            guard digits > 0 else { return nil }
            for _ in digits..<max(digits, 9) { fraction *= 10 }
        }
        var seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        if !skip("Zz") {
            let isWest = rest.first == UInt8(ascii: "-")
            guard skip("+-"), let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
            seconds += (isWest ? 1 : -1) * (hours * 3600 + minutes * 60)
        }
        guard rest.isEmpty, seconds >= 0 else { return nil }
        return UInt64(seconds) * 1_000_000_000 + fraction
    }

    private static func daysInMonth(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The inverse of `date`.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400, yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
