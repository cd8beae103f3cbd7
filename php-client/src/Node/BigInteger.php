<?php

declare(strict_types=1);

namespace Rrts\Node;

/** A bigint of Node beyond PHP's integers, as its decimal digits. */
final class BigInteger implements \Stringable, \JsonSerializable
{
    public readonly string $digits;

    /**
     * @param int|string $digits decimal, with a minus sign where it is negative
     *
     * @throws \InvalidArgumentException for anything else
     */
    public function __construct(int|string $digits)
    {
        if (\preg_match('/^-?\d+$/D', (string) $digits) !== 1) {
            throw new \InvalidArgumentException('A big integer has nothing but decimal digits and a sign.');
        }
        $this->digits = (string) $digits;
    }

    /** The digits. */
    public function __toString(): string
    {
        return $this->digits;
    }

    /** The digits, because readers of JSON would round a number. */
    public function jsonSerialize(): string
    {
        return $this->digits;
    }
}
