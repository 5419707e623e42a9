#include "worker/functions/fixture.h"

namespace skep::worker {
namespace {

using Hash = FunctionsTest;

// Vectors of http://www.isthe.com/chongo/src/fnv/test_fnv.c, as signed numbers.
TEST_F(Hash, FnvIsThePublishedOne) {
  Check({{"rs_fnv_hash('')", "-3750763034362895579"},
         {"rs_fnv_hash('a')", "-5808556873153909620"},
         {"rs_fnv_hash('foobar')", "-8821353812377114648"},
         {"rs_fnv_hash('foobar'::blob)", "-8821353812377114648"},
         {"rs_fnv_hash('bar', rs_fnv_hash('foo'))", "-8821353812377114648"},
         {"rs_fnv_hash(null)", "NULL"},
         {"rs_fnv_hash('a', null)", "NULL"}});
  EXPECT_EQ(TypeOf("rs_fnv_hash(1)"), "BIGINT");
}

TEST_F(Hash, FnvTakesTheBytesOfTheType) {
  Check({{"rs_fnv_hash(1::smallint) = rs_fnv_hash(rs_from_hex('0100'))", "true"},
         {"rs_fnv_hash(1) = rs_fnv_hash(rs_from_hex('01000000'))", "true"},
         {"rs_fnv_hash(1::bigint) = rs_fnv_hash(rs_from_hex('0100000000000000'))", "true"},
         {"rs_fnv_hash(true) = rs_fnv_hash(rs_from_hex('01'))", "true"},
         {"rs_fnv_hash(1::double) = rs_fnv_hash(rs_from_hex('000000000000f03f'))", "true"},
         {"rs_fnv_hash(1::float) = rs_fnv_hash(rs_from_hex('0000803f'))", "true"},
         {"rs_fnv_hash(1.5) = rs_fnv_hash(15::bigint)", "true"},
         {"rs_fnv_hash(1.5::decimal(38,1)) = "
          "rs_fnv_hash(rs_from_hex('0f000000000000000000000000000000'))",
          "true"},
         // Dates and times are counted from the year 2000.
         {"rs_fnv_hash(date '2000-01-02') = rs_fnv_hash(1)", "true"},
         {"rs_fnv_hash(timestamp '2000-01-01 00:00:00.000001') = rs_fnv_hash(1::bigint)", "true"},
         {"rs_fnv_hash('a ') = rs_fnv_hash('a')", "false"}});
}

// Vectors of the Apache Iceberg specification, appendix B.
TEST_F(Hash, MurmurIsIcebergs) {
  Check({{"rs_murmur3_32_hash(34)", "2017239379"},
         {"rs_murmur3_32_hash(34::smallint)", "2017239379"},
         {"rs_murmur3_32_hash(34::bigint)", "2017239379"},
         {"rs_murmur3_32_hash(14.20)", "-500754589"},
         {"rs_murmur3_32_hash(14.20::decimal(38,2))", "-500754589"},
         {"rs_murmur3_32_hash(date '2017-11-16')", "-653330422"},
         {"rs_murmur3_32_hash(time '22:31:08')", "-662762989"},
         {"rs_murmur3_32_hash(timestamp '2017-11-16 22:31:08')", "-2047944441"},
         {"rs_murmur3_32_hash(timestamptz '2017-11-16 14:31:08-08')", "-2047944441"},
         {"rs_murmur3_32_hash('iceberg')", "1210000089"},
         {"rs_murmur3_32_hash(rs_from_hex('00010203'))", "-188683207"},
         {"rs_murmur3_32_hash(true) = rs_murmur3_32_hash(rs_from_hex('01000000'))", "true"},
         {"rs_murmur3_32_hash(1::float)", "-142385009"},
         {"rs_murmur3_32_hash(1::double)", "-142385009"},
         {"rs_murmur3_32_hash('-0.0'::double) = rs_murmur3_32_hash(0::double)", "true"},
         {"rs_murmur3_32_hash(-1.28) = rs_murmur3_32_hash(rs_from_hex('80'))", "true"},
         {"rs_murmur3_32_hash(1.28) = rs_murmur3_32_hash(rs_from_hex('0080'))", "true"},
         {"rs_murmur3_32_hash('iceberg', 0)", "1210000089"},
         {"rs_murmur3_32_hash('iceberg', 1) = 1210000089", "false"}});
  EXPECT_EQ(TypeOf("rs_murmur3_32_hash('a')"), "INTEGER");
}

// Computed with the reference implementations.
TEST_F(Hash, FarmFingerprintOfEveryKindOfLength) {
  Check(
      {{"rs_farmfingerprint64('')", "-7286425919675154353"},
       {"rs_farmfingerprint64(rs_repeat('a', 3)) = rs_farmfingerprint64('aaa'::blob)", "true"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 2))", "-5457256428139290937"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 7))", "-5246416295791395039"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 12))", "1938002316056049995"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 16))", "-5392268581556099443"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 24))", "-1538595397550609586"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 32))", "-5254435696919345226"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 48))", "-7594424403584993535"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 64))", "7235532150242430578"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 65))", "7575355642136109295"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 128))", "8852039973176102652"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 129))",
        "-2779488680326595563"},
       {"rs_farmfingerprint64(rs_left(rs_repeat('honey bees, ', 40), 300))",
        "-5296287004790854612"},
       {"rs_farmfingerprint64(null)", "NULL"}});
}

TEST_F(Hash, Crc32IsCastagnolis) {
  // RFC 3720, appendix B.4, and the check value of the polynomial.
  Check({{"rs_crc32('123456789')", "e3069283"},
         {"rs_crc32(rs_from_hex(rs_repeat('00', 32)))", "8a9136aa"},
         {"rs_crc32(rs_from_hex(rs_repeat('ff', 32)))", "62a8ab43"},
         {"rs_crc32('')", "00000000"}});
}

// FIPS 180-2, appendices, and RFC 1321, appendix A.5.
TEST_F(Hash, DigestsAreThePublishedOnes) {
  Check(
      {{"rs_md5('abc')", "900150983cd24fb0d6963f7d28e17f72"},
       {"rs_md5('')", "d41d8cd98f00b204e9800998ecf8427e"},
       {"rs_sha1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"},
       {"rs_sha2('abc', 224)", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
       {"rs_sha2('abc', 256)", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
       {"rs_sha2('abc', 0) = rs_sha2('abc', 256)", "true"},
       {"rs_sha2('abc', 384)",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca1"
        "34c825a7"},
       {"rs_sha2('abc', 512)",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
        "a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
       // Not an error.
       {"rs_sha2('abc', 100)", ""},
       {"rs_md5(12) = rs_md5('12')", "true"},
       {"rs_sha1('abc'::blob) = rs_sha1('abc')", "true"},
       {"rs_md5(null)", "NULL"}});
}

TEST_F(Hash, ChecksumOfSmallNumbersIsTheNumber) {
  Check({{"rs_checksum(17)", "17"},
         {"rs_checksum(-17)", "-17"},
         {"rs_checksum(-17::bigint)", "-17"},
         {"rs_checksum(12.50)", "1250"},
         {"rs_checksum(12.50::decimal(38,2))", "1250"},
         {"rs_checksum('a') = rs_checksum('a')", "true"},
         {"rs_checksum(null)", "NULL"}});
  EXPECT_EQ(TypeOf("rs_checksum(12.5)"), "INTEGER");
  EXPECT_TRUE(Ask("select rs_checksum(date '2024-01-01')").starts_with("ERROR No function"));
}

TEST_F(Hash, WorksOnColumnsWithNulls) {
  Ask("create table t as select i, case when i % 5 = 0 then null else i::varchar end s "
      "from range(5000) r(i)");
  EXPECT_EQ(Ask("select count(distinct rs_fnv_hash(s, rs_fnv_hash(i))), "
                "count(distinct rs_murmur3_32_hash(s)) > 3990, "
                "count(distinct rs_farmfingerprint64(s)), count(distinct rs_sha2(s, 512)), "
                "count(distinct rs_crc32(s)) > 3990 from t"),
            "4000|true|4000|4000|true");
  EXPECT_EQ(Ask("select count(*) from t where rs_md5(s) = md5(s)"), "4000");
}

}  // namespace
}  // namespace skep::worker
